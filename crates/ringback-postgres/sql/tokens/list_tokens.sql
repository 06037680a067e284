-- All tokens, newest first.
SELECT id, scope, tenant, name, digest, created_at, expires_at, last_used_at, revoked_at
FROM {schema}.token
ORDER BY id DESC
