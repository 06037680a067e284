-- What waits. $1 where counting stops. The oldest due one is the first of the feed's index in some shard.
WITH clock AS MATERIALIZED (SELECT {schema}.clock() AS now)
SELECT (SELECT count(*)
        FROM (SELECT FROM {schema}.delivery WHERE marks & 4 = 0 LIMIT $1) owed) AS pending,
       (SELECT coalesce(greatest(clock.now - min(oldest.due_at), 0), 0)
        FROM generate_series(0, 63) AS shards (shard)
        CROSS JOIN LATERAL (
            SELECT d.due_at
            FROM {schema}.delivery d
            WHERE d.shard = shards.shard::smallint
            ORDER BY d.due_at, d.id
            LIMIT 1
        ) oldest) AS oldest_due,
       ARRAY (SELECT lane FROM {schema}.hold WHERE until > clock.now) AS held_lanes
FROM clock
