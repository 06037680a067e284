-- The last of the newest $3 that list_dead looks at, if there are so many. $1 <= id < $2, $4 endpoint.
-- (SQLite: the endpoint is looked at behind the window.)
SELECT id
FROM {schema}.dead_letter
WHERE id >= $1 AND id < $2 AND ($4::uuid IS NULL OR endpoint_id = $4)
ORDER BY id DESC
OFFSET $3 - 1
LIMIT 1
