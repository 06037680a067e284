-- Due deliveries of each shard after its cursor. A read: it locks and writes nothing.
-- The row comparison makes it one ordered index scan per shard; `due_at > … OR …` would sort the backlog.
-- A delivery with an ordering key is left out unless it is the head of its key.
-- (SQLite: find_due, then feed for each.)
WITH clock AS MATERIALIZED (SELECT {schema}.clock() AS now)
SELECT clock.now, due.*
FROM clock
LEFT JOIN LATERAL (
    SELECT {part.due_columns}
    FROM unnest($1::smallint[], $2::bigint[], $3::uuid[]) WITH ORDINALITY AS cursor (shard, due_at, id, position)
    CROSS JOIN LATERAL (
        SELECT d.*
        FROM {schema}.delivery d
        WHERE d.shard = cursor.shard
          AND (d.due_at, d.id) > (cursor.due_at, cursor.id)
          AND d.due_at <= (SELECT now FROM clock)
          AND {part.is_first_in_order}
        ORDER BY d.shard, d.due_at, d.id
        LIMIT $4
    ) d
    ORDER BY d.shard, d.due_at, d.id
) due ON true
