-- ?1 smaller ids only, ?2 how many.
SELECT id, tenant, key, event_types, enabled, disabled_reason, paused, spec, credentials, version, created_at, updated_at,
       deleted_at
FROM ringback_endpoint
WHERE id < ?1
  AND deleted_at IS NULL
ORDER BY id DESC
LIMIT ?2
