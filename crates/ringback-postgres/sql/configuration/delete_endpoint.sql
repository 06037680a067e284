-- Marks an endpoint as deleted: old deliveries still name it.
UPDATE {schema}.endpoint
SET version = $2, deleted_at = {schema}.clock(), updated_at = {schema}.clock()
WHERE id = $1
RETURNING id, tenant, key, event_types::text AS event_types, enabled, disabled_reason, paused, spec, credentials, version,
       created_at, updated_at, deleted_at
