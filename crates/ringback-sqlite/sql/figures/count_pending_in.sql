-- How many pending deliveries the lanes ?1 have. Counting stops at ?2. CROSS JOIN keeps the order, lanes first, so that
-- each is read by the index (lane, due_at, id). (PostgreSQL: LIMIT within LATERAL does.)
SELECT count(*) AS pending
FROM (
    SELECT 1
    FROM json_each(?1) AS given
    CROSS JOIN ringback_delivery AS d
    WHERE d.lane = given.value AND d.marks & {marks.delivered_before} = 0
    LIMIT ?2
)
