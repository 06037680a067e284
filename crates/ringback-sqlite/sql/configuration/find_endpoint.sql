-- ?1 the tenant, ?2 the key.
SELECT id, tenant, key, event_types, enabled, disabled_reason, paused, spec, credentials, version, created_at, updated_at,
       deleted_at
FROM ringback_endpoint
WHERE tenant = ?1
  AND key = ?2
  AND deleted_at IS NULL
