UPDATE ringback_endpoint
SET version = ?2
WHERE id = ?1
