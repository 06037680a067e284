-- PostgreSQL: in the statements that change the endpoint.
UPDATE ringback_endpoint
SET version = ?2
WHERE id = ?1
