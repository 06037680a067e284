-- The last of the newest $3 that list_pending looks at, if there are so many. $1 <= id < $2, $4 endpoint, $5 its lane.
-- (SQLite: the endpoint and the marks are looked at behind the window.)
SELECT id
FROM {schema}.delivery
WHERE id >= $1 AND id < $2 AND marks < {marks.delivered_before} AND ($4::uuid IS NULL OR (endpoint_id = $4 AND lane = $5::bigint))
ORDER BY id DESC
OFFSET $3 - 1
LIMIT 1
