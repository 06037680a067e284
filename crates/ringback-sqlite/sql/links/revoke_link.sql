-- Unless it is revoked already. ?1 id, ?2 now. (PostgreSQL: by the database's clock.)
UPDATE ringback_link
SET revoked_at = ?2
WHERE id = ?1
  AND revoked_at IS NULL
