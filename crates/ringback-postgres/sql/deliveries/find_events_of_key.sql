-- Ids of the newest events with a key ($4). $1 <= id < $2, at most $3. By the key alone, so that what is read is
-- bounded: the key may be other tenants', too. (SQLite: a delivery's id is not cut to its event's before, so it is
-- here.)
SELECT id
FROM {schema}.event
WHERE key = $4 AND id >= $1 AND id < $2
ORDER BY id DESC
LIMIT $3
