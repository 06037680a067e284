-- Stores the endpoint as routing sees it from a version on.
-- (SQLite: copied from the endpoint's row, whose version is set just before.)
INSERT INTO {schema}.endpoint_version (endpoint_id, version, deleted, tenant, key, event_types, filter)
VALUES ($1, $2, $3, $4, $5, $6::text::jsonb, $7)
