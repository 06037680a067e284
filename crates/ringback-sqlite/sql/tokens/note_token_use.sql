-- A token is being used at ?2; nothing if that was noted after ?3. (PostgreSQL: by the database's clock.)
UPDATE ringback_token
SET last_used_at = ?2
WHERE id = ?1
  AND (last_used_at IS NULL OR last_used_at <= ?3)
