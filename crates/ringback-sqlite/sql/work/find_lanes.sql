-- The lanes from ?1 on that have pending deliveries, each with its first one, at most ?2.
-- It leaps from lane to lane over the index (lane, due_at, id), so a long backlog costs no more than a short one.
-- (PostgreSQL: the first row of each lane is carried along.)
WITH RECURSIVE found (lane) AS (
    SELECT min(lane)
    FROM ringback_delivery
    WHERE lane >= ?1
    UNION ALL
    SELECT (SELECT min(d.lane) FROM ringback_delivery AS d WHERE d.lane > found.lane)
    FROM found
    WHERE found.lane IS NOT NULL
    LIMIT ?2
)
SELECT first.lane,
       first.endpoint_id,
       first.due_at
FROM found
JOIN ringback_delivery AS first ON first.id = (
    SELECT d.id
    FROM ringback_delivery AS d
    WHERE d.lane = found.lane
    ORDER BY d.due_at, d.id
    LIMIT 1
)
ORDER BY first.lane
