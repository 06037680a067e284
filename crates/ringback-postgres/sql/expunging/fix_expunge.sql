-- The set of events that an expunge's filter finds, kept unless this is a dry run.
-- (SQLite: found here, kept by insert_expunge_items; fix_expunge_of_key where there is a key, for its index.)
WITH matched AS MATERIALIZED (
    SELECT e.id, e.payload_bytes
    FROM {schema}.event e
    WHERE e.id >= $3 AND e.id < $4
      AND e.tenant = $5
      AND ($6::text IS NULL OR e.type = $6)
      AND ($7::text IS NULL OR e.key = $7)
),
fixed AS (
    INSERT INTO {schema}.expunge_item (expunge_id, event_id)
    SELECT $1, id FROM matched WHERE NOT $2
)
SELECT count(*) AS matched, coalesce(sum(payload_bytes), 0)::bigint AS bytes, {schema}.clock() AS now FROM matched
