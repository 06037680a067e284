-- A page of endpoints, newest first.
SELECT id, tenant, key, event_types::text AS event_types, enabled, disabled_reason, paused, spec, credentials, version,
       created_at, updated_at, deleted_at
FROM {schema}.endpoint
WHERE deleted_at IS NULL AND ($1::text IS NULL OR tenant = $1) AND ($2::uuid IS NULL OR id < $2)
ORDER BY id DESC
LIMIT $3
