SELECT id, tenant, key, event_types, enabled, disabled_reason, paused, spec, credentials, version, created_at, updated_at,
       deleted_at
FROM ringback_endpoint
WHERE deleted_at IS NULL
ORDER BY id DESC
