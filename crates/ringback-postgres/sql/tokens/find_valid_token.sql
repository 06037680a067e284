-- One token, if it is worth anything now.
SELECT id, scope, tenant, name, digest, created_at, expires_at, last_used_at, revoked_at
FROM {schema}.token
WHERE id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > (SELECT {schema}.clock()))
