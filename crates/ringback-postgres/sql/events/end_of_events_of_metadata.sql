-- The last of the newest $3 that find_events_of_metadata looks at, if there are so many. $1 <= id < $2, $4 name, $5 value.
-- (SQLite: end_of_events.)
SELECT event_id AS id
FROM {schema}.event_metadata
WHERE name = $4 AND value = $5 AND event_id >= $1 AND event_id < $2
ORDER BY event_id DESC
OFFSET $3 - 1
LIMIT 1
