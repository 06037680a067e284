-- A new token.
INSERT INTO {schema}.token (id, scope, tenant, name, digest, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
