-- Only one that still is enabled, and has not changed since version ?3. ?1 id, ?2 now, ?4 why.
-- (PostgreSQL: the version is set here, and the time is the database's.)
UPDATE ringback_endpoint
SET enabled = 0, disabled_reason = ?4, updated_at = ?2
WHERE id = ?1
  AND version = ?3
  AND enabled
  AND deleted_at IS NULL
