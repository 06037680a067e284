-- Stores the endpoint as routing sees it now.
INSERT INTO ringback_endpoint_version (endpoint_id, version, deleted, tenant, key, event_types)
SELECT id, version, deleted_at IS NOT NULL, tenant, key, event_types
FROM ringback_endpoint
WHERE id = ?1
