-- Deliveries of these events ($12), newest first. $1 <= id < $2, at most $3; $4 the status, and from $5 on as in
-- list_dead. The rows of each event are found on their own: joined, the planner would read whole partitions.
SELECT d.id AS delivery_id, d.endpoint_id, d.lane, d.marks, d.status, d.reason, d.attempts,
       d.due_at, d.finished_at, d.last_status, d.last_error,
       d.detail, e.*
FROM unnest($12::uuid[]) AS given (event_id)
CROSS JOIN LATERAL (
    SELECT *
    FROM {schema}.delivery_anywhere
    WHERE id > given.event_id AND id <= {schema}.last_of(given.event_id) AND marks < {marks.delivered_before}
    ORDER BY id DESC
    LIMIT 65535
) d
CROSS JOIN LATERAL (
    SELECT id, seq, tenant, type, key, ordering_key, idempotency_key, occurred_at, NULL::text AS endpoint_keys,
           destination, test
    FROM {schema}.event
    WHERE event.id = {schema}.event_of(d.id)
    LIMIT 1
) e
WHERE ($5::text IS NULL OR e.tenant = $5)
  AND ($6::text IS NULL OR e.type = $6)
  AND ($7::text IS NULL OR e.key = $7)
  AND ($8::text IS NULL OR d.endpoint_id = ANY ($9::uuid[])
       OR (d.endpoint_id IS NULL AND position(lower($8) IN lower(e.destination)) > 0))
  AND ($10::uuid IS NULL OR d.endpoint_id = $10)
  AND ($11::smallint IS NULL OR d.reason = $11)
  AND ($4::smallint IS NULL OR d.status = $4)
  AND d.id >= $1 AND d.id < $2
ORDER BY d.id DESC
LIMIT $3
