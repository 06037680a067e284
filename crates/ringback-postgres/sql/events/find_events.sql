-- Events with a key ($4), newest first. $1 <= id < $2, of the newest $7 of them at most $3; $5 tenant, $6 type.
-- (SQLite: list_events with a condition on the key.)
SELECT *
FROM (
    SELECT {part.event_columns}, payload_bytes, expunged_at
    FROM {schema}.event
    WHERE key = $4 AND id >= $1 AND id < $2
    ORDER BY id DESC
    LIMIT $7
) e
WHERE ($5::text IS NULL OR e.tenant = $5)
  AND ($6::text IS NULL OR e.type = $6)
ORDER BY e.id DESC
LIMIT $3
