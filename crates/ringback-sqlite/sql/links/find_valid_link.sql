-- One link, if it is valid at ?2. (PostgreSQL: by the database's clock.)
SELECT {part.link_columns}
FROM ringback_link
WHERE id = ?1
  AND revoked_at IS NULL
  AND expires_at > ?2
