-- One token, if it is valid at ?2. (PostgreSQL: by the database's clock.)
SELECT {part.token_columns}
FROM ringback_token
WHERE id = ?1
  AND revoked_at IS NULL
  AND (expires_at IS NULL OR expires_at > ?2)
