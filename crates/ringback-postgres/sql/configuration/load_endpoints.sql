-- These endpoints, deleted ones included.
SELECT id, tenant, key, event_types::text AS event_types, enabled, disabled_reason, paused, spec, credentials, version,
       created_at, updated_at, deleted_at
FROM {schema}.endpoint
WHERE id = ANY ($1::uuid[])
ORDER BY id DESC
