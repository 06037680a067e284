-- How many pending deliveries the lanes $1 have. Counting stops at $2; each lane is read by the index (lane, due_at, id),
-- which LIMIT within LATERAL makes the only way. (SQLite: CROSS JOIN does, since it keeps the order.)
SELECT count(*) AS pending
FROM (
    SELECT
    FROM unnest($1::bigint[]) AS given (lane)
    CROSS JOIN LATERAL (
        SELECT
        FROM {schema}.delivery d
        WHERE d.lane = given.lane AND d.marks & {marks.delivered_before} = 0
        ORDER BY d.lane, d.due_at, d.id
        LIMIT $2
    ) d
    LIMIT $2
) owed
