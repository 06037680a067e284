-- Replaces credentials that have not changed since they were read; the version stays. ?1 id, ?2 before, ?3 after.
-- (PostgreSQL: many at once.)
UPDATE ringback_endpoint SET credentials = ?3 WHERE id = ?1 AND credentials = ?2
