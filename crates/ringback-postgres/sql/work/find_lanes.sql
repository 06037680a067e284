-- The lanes from $1 on that have pending deliveries, each with its first one, at most $2. A read that locks nothing.
-- It leaps from lane to lane over the index (lane, due_at, id), so a long backlog costs no more than a short one.
-- (SQLite: a recursion over the lanes alone, as it may not be ordered inside.)
WITH RECURSIVE found (lane, endpoint_id, due_at) AS (
    (
        SELECT d.lane, d.endpoint_id, d.due_at
        FROM {schema}.delivery d
        WHERE d.lane >= $1
        ORDER BY d.lane, d.due_at, d.id
        LIMIT 1
    )
    UNION ALL
    SELECT next.lane, next.endpoint_id, next.due_at
    FROM found
    CROSS JOIN LATERAL (
        SELECT d.lane, d.endpoint_id, d.due_at
        FROM {schema}.delivery d
        WHERE d.lane > found.lane
        ORDER BY d.lane, d.due_at, d.id
        LIMIT 1
    ) next
)
SELECT page.lane, page.endpoint_id, page.due_at
FROM (SELECT lane, endpoint_id, due_at FROM found LIMIT $2) page
ORDER BY page.lane
