-- The last of the newest $3 that list_events looks at, if there are so many. $1 <= id < $2.
-- (SQLite: conditions that an index serves are put in where they are given.)
SELECT id
FROM {schema}.event
WHERE id >= $1 AND id < $2
ORDER BY id DESC
OFFSET $3 - 1
LIMIT 1
