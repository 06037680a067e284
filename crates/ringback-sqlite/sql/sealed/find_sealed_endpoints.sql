-- Sealed credentials of endpoints, deleted ones included. ?1 after this id, ?2 how many.
SELECT id, credentials FROM ringback_endpoint WHERE id > ?1 ORDER BY id LIMIT ?2
