-- A new link.
INSERT INTO ringback_link (id, opens, tenant, subject, digest, created_at, expires_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
