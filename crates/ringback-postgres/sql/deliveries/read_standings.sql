-- How the deliveries of these events ($1) stand, in the order of their ids: at most $3 of them, those after $2. The rows of each
-- event are found on their own, as in list_deliveries_of_events. (SQLite: events come as JSON.)
SELECT d.id, d.endpoint_id, d.status, d.finished_at
FROM unnest($1::uuid[]) AS given (event_id)
CROSS JOIN LATERAL (
    SELECT id, endpoint_id, status, finished_at
    FROM {schema}.delivery_anywhere
    WHERE id > greatest(given.event_id, $2) AND id <= {schema}.last_of(given.event_id)
      AND marks < {marks.delivered_before}
    ORDER BY id
    LIMIT $3
) d
ORDER BY d.id
LIMIT $3
