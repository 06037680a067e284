-- One delivery, wherever it is.
SELECT d.id AS delivery_id, d.endpoint_id, d.lane, d.marks, d.status, d.reason, d.attempts,
       d.due_at, d.finished_at, d.last_status, d.last_error,
       d.detail, e.*
FROM {schema}.delivery_anywhere d
CROSS JOIN LATERAL (
    SELECT id, seq, tenant, type, key, ordering_key, idempotency_key, occurred_at, NULL::text AS endpoint_keys,
           destination, test
    FROM {schema}.event
    WHERE event.id = {schema}.event_of(d.id)
    LIMIT 1
) e
WHERE d.id = $1 AND d.marks < {marks.delivered_before}
