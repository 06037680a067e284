-- The set of dead letters that a replay's filter finds, kept unless this is a dry run.
WITH matched AS MATERIALIZED (
    SELECT d.id, e.payload_bytes
    FROM {schema}.dead_letter d
    JOIN {schema}.event e ON e.id = {schema}.event_of(d.id)
    WHERE d.id >= $3 AND d.id < $4 AND e.id >= $3 AND e.id < $4
      AND ($5::text IS NULL OR e.tenant = $5)
      AND ($6::uuid IS NULL OR d.endpoint_id = $6)
      AND ($7::text IS NULL OR e.type = $7)
      AND ($8::text IS NULL OR e.key = $8)
),
fixed AS (
    INSERT INTO {schema}.replay_item (replay_id, delivery_id)
    SELECT $1, id FROM matched WHERE NOT $2
)
SELECT count(*) AS matched, coalesce(sum(payload_bytes), 0)::bigint AS bytes, {schema}.clock() AS now FROM matched
