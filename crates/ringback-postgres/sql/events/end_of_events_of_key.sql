-- The last of the newest $3 that find_events looks at, if there are so many. $1 <= id < $2, $4 the key.
-- (SQLite: end_of_events.)
SELECT id
FROM {schema}.event
WHERE key = $4 AND id >= $1 AND id < $2
ORDER BY id DESC
OFFSET $3 - 1
LIMIT 1
