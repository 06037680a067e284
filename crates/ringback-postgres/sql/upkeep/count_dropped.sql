-- Counts of what is dropped with a range of events, by day and tenant: events that do not survive, with their verdicts
-- and deliveries. These counts cannot change any more: rows that still can change belong to a surviving event, or are
-- found before anything is dropped. (SQLite: find_events_to_drop.)
SELECT (day - date '1970-01-01') AS day, tenant,
       sum(accepted)::bigint AS accepted, sum(duplicate)::bigint AS duplicate, sum(unmatched)::bigint AS unmatched,
       sum(routed)::bigint AS routed, sum(delivered)::bigint AS delivered, sum(cancelled)::bigint AS cancelled
FROM (
    SELECT {schema}.day_of(e.id) AS day, e.tenant,
           count(*) AS accepted, 0 AS duplicate, 0 AS unmatched, 0 AS routed, 0 AS delivered, 0 AS cancelled
    FROM {schema}.event e
    WHERE e.id >= $1 AND e.id < $2
      AND NOT EXISTS (SELECT FROM {schema}.moving_event m WHERE m.id = e.id)
    GROUP BY 1, 2
    UNION ALL
    SELECT {schema}.day_of(e.id), e.tenant,
           0, count(*) FILTER (WHERE v.kind = {verdict.duplicate}), count(*) FILTER (WHERE v.kind = {verdict.unmatched}), 0, 0, 0
    FROM {schema}.verdict v
    JOIN {schema}.event e ON e.id = v.event_id
    WHERE v.event_id >= $1 AND v.event_id < $2 AND e.id >= $1 AND e.id < $2
      AND NOT EXISTS (SELECT FROM {schema}.moving_event m WHERE m.id = e.id)
    GROUP BY 1, 2
    UNION ALL
    SELECT {schema}.day_of(e.id), e.tenant,
           0, 0, 0, count(*) FILTER (WHERE {schema}.is_first(f.id)),
           count(*) FILTER (WHERE f.status = {finished.delivered}), count(*) FILTER (WHERE f.status = {finished.cancelled})
    FROM {schema}.finished f
    JOIN {schema}.event e ON e.id = {schema}.event_of(f.id)
    WHERE f.id >= $1 AND f.id < $2 AND e.id >= $1 AND e.id < $2
      AND NOT EXISTS (SELECT FROM {schema}.moving_event m WHERE m.id = e.id)
    GROUP BY 1, 2
) counted
GROUP BY 1, 2
