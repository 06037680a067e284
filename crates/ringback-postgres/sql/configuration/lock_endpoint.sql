-- An endpoint that is about to change.
SELECT id, tenant, key, event_types::text AS event_types, enabled, disabled_reason, paused, spec, credentials, version,
       created_at, updated_at, deleted_at
FROM {schema}.endpoint
WHERE id = $1 AND deleted_at IS NULL
FOR UPDATE
