-- Events with an entry of metadata (name $4, value $8), newest first. $1 <= id < $2, of the newest $7 of them at most $3;
-- $5 tenant, $6 type, $9 key, $10 all entries that they must have. (SQLite: list_events with a condition on the ids.)
SELECT *
FROM (
    SELECT {part.event_columns}, payload_bytes, expunged_at
    FROM (
        SELECT event_id
        FROM {schema}.event_metadata
        WHERE name = $4 AND value = $8 AND event_id >= $1 AND event_id < $2
        ORDER BY event_id DESC
        LIMIT $7
    ) noted
    CROSS JOIN LATERAL (SELECT * FROM {schema}.event WHERE event.id = noted.event_id LIMIT 1) e
) e
WHERE ($5::text IS NULL OR e.tenant = $5)
  AND ($6::text IS NULL OR e.type = $6)
  AND ($9::text IS NULL OR e.key = $9)
  AND e.metadata::jsonb @> $10::text::jsonb
ORDER BY e.id DESC
LIMIT $3
