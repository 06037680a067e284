-- The last of the newest $3 that list_finished looks at, if there are so many. $1 <= id < $2, $4 endpoint.
-- (SQLite: the endpoint's condition is put in only where there is one, so that an index finds its rows.)
SELECT id
FROM {schema}.finished
WHERE id >= $1 AND id < $2 AND ($4::uuid IS NULL OR endpoint_id = $4)
ORDER BY id DESC
OFFSET $3 - 1
LIMIT 1
