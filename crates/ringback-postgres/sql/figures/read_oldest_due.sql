-- How long the delivery that is due for longest has been: the first of the feed's index in some shard.
-- (SQLite: the time is an argument; a recursion takes the place of generate_series.)
SELECT {schema}.clock() - min(oldest.due_at) AS due_for
FROM generate_series(0, 63) AS shards (shard)
CROSS JOIN LATERAL (
    SELECT d.due_at
    FROM {schema}.delivery d
    WHERE d.shard = shards.shard::smallint
    ORDER BY d.due_at, d.id
    LIMIT 1
) oldest
