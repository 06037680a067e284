-- A new endpoint. (SQLite: set_endpoint_version sets the version.)
INSERT INTO {schema}.endpoint
    (id, lane, tenant, key, event_types, enabled, disabled_reason, paused, spec, credentials, version, created_at,
     updated_at)
VALUES ($1, $2, $3, $4, $5::text::jsonb, $6, $7, $8, $9, $10, $11, $12, $13)
