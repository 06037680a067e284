-- How long the delivery that is due for longest has been, of those that nothing keeps from being sent. $1 the lanes that are
-- held, $2 rows of a shard, $3 lanes, $4 rows of a lane: no more are looked at. A read that locks nothing.
-- Lanes are looked at only for shards whose first rows are all kept back: from lane to lane over the index (lane, due_at, id),
-- so a long backlog of a held lane costs no more than a short one.
-- (SQLite: read_first_due, find_lanes, then read_first_due_of_lane for each.)
WITH RECURSIVE clock AS MATERIALIZED (SELECT {schema}.clock() AS now),
held AS MATERIALIZED (SELECT lane FROM unnest($1::bigint[]) AS given (lane)),
looked_at AS MATERIALIZED (
    SELECT shards.shard, d.due_at, d.lane NOT IN (SELECT lane FROM held) AND {part.is_first_in_order} AS may_be_sent
    FROM generate_series(0, 63) AS shards (shard)
    CROSS JOIN LATERAL (
        SELECT d.lane, d.due_at, d.ordering_key, d.seq
        FROM {schema}.delivery d
        WHERE d.shard = shards.shard::smallint AND d.due_at <= (SELECT now FROM clock)
        ORDER BY d.shard, d.due_at, d.id
        LIMIT $2
    ) d
),
hiding AS MATERIALIZED (
    SELECT shard
    FROM looked_at
    GROUP BY shard
    HAVING count(*) >= $2 AND NOT bool_or(may_be_sent)
),
found (lane) AS (
    (
        SELECT d.lane
        FROM {schema}.delivery d
        WHERE EXISTS (SELECT FROM hiding)
        ORDER BY d.lane, d.due_at, d.id
        LIMIT 1
    )
    UNION ALL
    SELECT next.lane
    FROM found
    CROSS JOIN LATERAL (
        SELECT d.lane
        FROM {schema}.delivery d
        WHERE d.lane > found.lane
        ORDER BY d.lane, d.due_at, d.id
        LIMIT 1
    ) next
),
free AS (
    SELECT page.lane
    FROM (SELECT lane FROM found LIMIT $3) page
    WHERE page.lane & 63 IN (SELECT shard FROM hiding) AND page.lane NOT IN (SELECT lane FROM held)
),
oldest AS (
    SELECT due_at FROM looked_at WHERE may_be_sent
    UNION ALL
    SELECT d.due_at
    FROM free
    CROSS JOIN LATERAL (
        SELECT d.lane, d.due_at, d.ordering_key, d.seq
        FROM {schema}.delivery d
        WHERE d.lane = free.lane AND d.due_at <= (SELECT now FROM clock)
        ORDER BY d.lane, d.due_at, d.id
        LIMIT $4
    ) d
    WHERE {part.is_first_in_order}
)
SELECT (SELECT now FROM clock) - min(due_at) AS due_for
FROM oldest
