-- Dead letters among deliveries, newest first. $1 <= id < $2, of the newest $3 of them at most $4; $5 tenant, $6 type,
-- $7 key, $8 host and $9 its endpoints, $10 endpoint, $11 the reason. The event of each is looked up on its own:
-- joined, the planner may read all events. (SQLite: the endpoint is looked at behind the window.)
SELECT {part.dead_letter_columns}
FROM (
    SELECT *
    FROM {schema}.dead_letter
    WHERE id >= $1 AND id < $2 AND ($10::uuid IS NULL OR endpoint_id = $10)
    ORDER BY id DESC
    LIMIT $3
) d
{part.event_of_delivery}
WHERE {part.is_listed}
  AND ($11::smallint IS NULL OR d.reason = $11)
ORDER BY d.id DESC
LIMIT $4
