-- Events of a stretch of ids, newest first. $1 <= id < $2, of the newest $3 of them at most $4; $5 tenant, $6 type.
-- (SQLite: what became of them is joined.)
SELECT *
FROM (
    SELECT {part.event_columns}, payload_bytes, expunged_at
    FROM {schema}.event
    WHERE id >= $1 AND id < $2
    ORDER BY id DESC
    LIMIT $3
) e
WHERE ($5::text IS NULL OR e.tenant = $5)
  AND ($6::text IS NULL OR e.type = $6)
ORDER BY e.id DESC
LIMIT $4
