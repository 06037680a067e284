-- A link that is valid at ?2 becomes a session, unless it has become one already. (PostgreSQL: by the database's clock.)
UPDATE ringback_link
SET opened_at = ?2
WHERE id = ?1
  AND opened_at IS NULL
  AND revoked_at IS NULL
  AND expires_at > ?2
