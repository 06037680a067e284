-- A tenant's endpoints as routing saw them at a version. (SQLite: max() with its row takes the place of DISTINCT ON.)
SELECT endpoint_id, key, event_types, filter
FROM (
    SELECT DISTINCT ON (endpoint_id) endpoint_id, deleted, key, event_types::text AS event_types, filter
    FROM {schema}.endpoint_version
    WHERE tenant = $1 AND version <= $2
    ORDER BY endpoint_id, version DESC
) latest
WHERE NOT deleted
ORDER BY endpoint_id
LIMIT $3
