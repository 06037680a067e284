-- The row stays, so that old deliveries can name it. ?1 id, ?2 now.
-- (PostgreSQL: both in this statement, which saves round trips.)
UPDATE ringback_endpoint
SET deleted_at = ?2, updated_at = ?2
WHERE id = ?1
