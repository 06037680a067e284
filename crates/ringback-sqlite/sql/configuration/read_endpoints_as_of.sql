-- The newest version of each endpoint that is not newer than ?2, unless it was deleted by then.
-- ?1 the tenant, ?2 the version, ?3 how many. With max(), SQLite takes the other columns from the same row.
-- (PostgreSQL: DISTINCT ON.)
SELECT endpoint_id, key, event_types, filter
FROM (
    SELECT endpoint_id, key, event_types, filter, deleted, max(version)
    FROM ringback_endpoint_version
    WHERE tenant = ?1
      AND version <= ?2
    GROUP BY endpoint_id
)
WHERE NOT deleted
ORDER BY endpoint_id
LIMIT ?3
