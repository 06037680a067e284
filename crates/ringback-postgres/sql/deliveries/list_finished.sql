-- Deliveries that are over, newest first. $1 <= id < $2, of the newest $3 of them at most $4; $5 tenant, $6 type, $7
-- key, $8 host and $9 its endpoints, $10 endpoint, $11 their status there. The event of each is looked up on its own:
-- joined, the planner may read all events. (SQLite: holds and replays under way are joined.)
SELECT d.id AS delivery_id, d.endpoint_id, d.lane, d.marks, CASE d.status WHEN {finished.delivered} THEN {status.delivered}::smallint ELSE {status.cancelled}::smallint END AS status, NULL::smallint AS reason, d.attempts,
       NULL::bigint AS due_at, d.finished_at AS finished_at, NULL::integer AS last_status, NULL::smallint AS last_error,
       NULL::text AS detail, e.*
FROM (
    SELECT *
    FROM {schema}.finished
    WHERE id >= $1 AND id < $2 AND ($10::uuid IS NULL OR endpoint_id = $10)
    ORDER BY id DESC
    LIMIT $3
) d
{part.event_of_delivery}
WHERE {part.is_listed}
  AND ($11::smallint IS NULL OR d.status = $11)
ORDER BY d.id DESC
LIMIT $4
