-- Deliveries of these events ($12), newest first. $1 <= id < $2, at most $3; $4 the status, and from $5 on as in
-- list_dead. The rows of each event are found on their own: joined, the planner would read whole partitions.
-- (SQLite: list_pending, list_dead and list_finished for each event.)
SELECT {part.delivery_columns}
FROM unnest($12::uuid[]) AS given (event_id)
CROSS JOIN LATERAL (
    SELECT *
    FROM {schema}.delivery_anywhere
    WHERE id > given.event_id AND id <= {schema}.last_of(given.event_id) AND marks < {marks.delivered_before}
    ORDER BY id DESC
    LIMIT 65535
) d
{part.event_of_delivery}
WHERE {part.is_listed}
  AND ($10::uuid IS NULL OR d.endpoint_id = $10)
  AND ($11::smallint IS NULL OR d.reason = $11)
  AND ($4::smallint IS NULL OR d.status = $4)
  AND d.id >= $1 AND d.id < $2
ORDER BY d.id DESC
LIMIT $3
