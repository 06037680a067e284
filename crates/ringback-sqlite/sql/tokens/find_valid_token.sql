-- One token, if it is worth anything at ?2.
SELECT id, scope, tenant, name, digest, created_at, expires_at, last_used_at, revoked_at
FROM ringback_token
WHERE id = ?1
  AND revoked_at IS NULL
  AND (expires_at IS NULL OR expires_at > ?2)
