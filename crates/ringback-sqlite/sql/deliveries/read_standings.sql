-- How the deliveries of these events (?1) stand, in the order of their ids: at most ?3 of them, those after ?2.
-- (PostgreSQL: from the view that has all three tables.)
SELECT d.id AS id, d.endpoint_id AS endpoint_id, 'pending' AS status, NULL AS finished_at
FROM json_each(?1) AS given
CROSS JOIN ringback_delivery AS d
    ON d.id > max(unhex(given.value), ?2)
   AND d.id <= CAST(substr(unhex(given.value), 1, 14) || x'FFFF' AS BLOB)
WHERE d.marks & {marks.delivered_before} = 0
UNION ALL
SELECT d.id, d.endpoint_id, 'dead', d.died_at
FROM json_each(?1) AS given
CROSS JOIN ringback_dead_letter AS d
    ON d.id > max(unhex(given.value), ?2)
   AND d.id <= CAST(substr(unhex(given.value), 1, 14) || x'FFFF' AS BLOB)
UNION ALL
SELECT d.id, d.endpoint_id, iif(d.status = {finished.delivered}, 'delivered', 'cancelled'), d.finished_at
FROM json_each(?1) AS given
CROSS JOIN ringback_finished AS d
    ON d.id > max(unhex(given.value), ?2)
   AND d.id <= CAST(substr(unhex(given.value), 1, 14) || x'FFFF' AS BLOB)
ORDER BY id
LIMIT ?3
