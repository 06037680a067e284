-- The same as feed_shards for single lanes, over the index (lane, due_at, id).
-- (SQLite: find_due, then feed for each.)
WITH clock AS MATERIALIZED (SELECT {schema}.clock() AS now)
SELECT clock.now, due.*
FROM clock
LEFT JOIN LATERAL (
    SELECT {part.due_columns}
    FROM unnest($1::bigint[], $2::bigint[], $3::uuid[]) WITH ORDINALITY AS cursor (lane, due_at, id, position)
    CROSS JOIN LATERAL (
        SELECT d.*
        FROM {schema}.delivery d
        WHERE d.lane = cursor.lane
          AND (d.due_at, d.id) > (cursor.due_at, cursor.id)
          AND d.due_at <= (SELECT now FROM clock)
          AND {part.is_first_in_order}
        ORDER BY d.lane, d.due_at, d.id
        LIMIT $4
    ) d
    ORDER BY d.shard, d.due_at, d.id
) due ON true
