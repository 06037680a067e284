-- Deliveries that are owed, newest first. $1 <= id < $2, of the newest $3 of them at most $4; $5 tenant, $6 type, $7
-- key, $8 host and $9 its endpoints, $10 endpoint, $11 the endpoint's lane. The event of each is looked up on its own:
-- joined, the planner may read all events. (SQLite: holds are joined; the endpoint and the marks are looked at behind
-- the window.)
SELECT d.id AS delivery_id, d.endpoint_id, d.lane, d.marks, {status.pending}::smallint AS status, NULL::smallint AS reason, d.attempts,
       d.due_at AS due_at, NULL::bigint AS finished_at, NULL::integer AS last_status, NULL::smallint AS last_error,
       NULL::text AS detail, e.*
FROM (
    SELECT *
    FROM {schema}.delivery
    WHERE id >= $1 AND id < $2 AND marks < {marks.delivered_before} AND ($10::uuid IS NULL OR (endpoint_id = $10 AND lane = $11::bigint))
    ORDER BY id DESC
    LIMIT $3
) d
{part.event_of_delivery}
WHERE {part.is_listed}
ORDER BY d.id DESC
LIMIT $4
