-- A token as it is stored.
id, scope, tenant, name, digest, created_at, expires_at, last_used_at, revoked_at
