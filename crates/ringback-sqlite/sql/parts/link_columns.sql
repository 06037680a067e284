-- A link as it is stored.
id, opens, tenant, subject, digest, created_at, expires_at, opened_at, revoked_at
