-- The same as count_dropped for rows of surviving events: counted while the tables are locked, because they can change.
-- (SQLite: no partitions.)
SELECT (day - date '1970-01-01') AS day, tenant,
       0::bigint AS accepted, sum(duplicate)::bigint AS duplicate, sum(unmatched)::bigint AS unmatched,
       sum(routed)::bigint AS routed, sum(delivered)::bigint AS delivered, sum(cancelled)::bigint AS cancelled
FROM (
    SELECT {schema}.day_of(m.id) AS day, m.tenant,
           count(*) FILTER (WHERE v.kind = {verdict.duplicate}) AS duplicate, count(*) FILTER (WHERE v.kind = {verdict.unmatched}) AS unmatched,
           0 AS routed, 0 AS delivered, 0 AS cancelled
    FROM {schema}.moving_event m
    JOIN {schema}.verdict v ON v.event_id = m.id
    WHERE m.id >= $1 AND m.id < $2 AND v.event_id >= $1 AND v.event_id < $2
    GROUP BY 1, 2
    UNION ALL
    SELECT {schema}.day_of(m.id), m.tenant, 0, 0,
           count(*) FILTER (WHERE {schema}.is_first(f.id)),
           count(*) FILTER (WHERE f.status = {finished.delivered}), count(*) FILTER (WHERE f.status = {finished.cancelled})
    FROM {schema}.moving_event m
    JOIN {schema}.finished f ON f.id > m.id AND f.id <= {schema}.last_of(m.id)
    WHERE m.id >= $1 AND m.id < $2 AND f.id >= $1 AND f.id < $2
    GROUP BY 1, 2
) counted
GROUP BY 1, 2
