-- Stores the endpoint as routing sees it now. (PostgreSQL: all values are arguments, as the row is not read again.)
INSERT INTO ringback_endpoint_version (endpoint_id, version, deleted, tenant, key, event_types, filter)
SELECT id, version, deleted_at IS NOT NULL, tenant, key, event_types,
       CASE WHEN json_valid(spec) THEN json_extract(spec, '$.filter') END
FROM ringback_endpoint
WHERE id = ?1
