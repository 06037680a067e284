-- One token, whatever has become of it.
SELECT id, scope, tenant, name, digest, created_at, expires_at, last_used_at, revoked_at
FROM ringback_token
WHERE id = ?1
