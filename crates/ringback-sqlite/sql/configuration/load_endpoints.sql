-- Deleted ones too. ?1 ids.
SELECT id, tenant, key, event_types, enabled, disabled_reason, paused, spec, credentials, version, created_at, updated_at,
       deleted_at
FROM ringback_endpoint
WHERE id IN (SELECT unhex(value) FROM json_each(?1))
ORDER BY id DESC
