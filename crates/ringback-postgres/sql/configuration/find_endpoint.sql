-- The live endpoint of a tenant with a key.
SELECT id, tenant, key, event_types::text AS event_types, enabled, disabled_reason, paused, spec, credentials, version,
       created_at, updated_at, deleted_at
FROM {schema}.endpoint
WHERE tenant = $1 AND key = $2 AND deleted_at IS NULL
