-- A new link.
INSERT INTO {schema}.link (id, opens, tenant, subject, digest, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
