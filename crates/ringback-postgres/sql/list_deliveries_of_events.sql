-- Deliveries of these events within a stretch of ids, newest first.
SELECT d.id, d.endpoint_id, d.lane, d.marks, d.status, d.reason, d.attempts, d.due_at, d.finished_at, d.last_status,
       d.last_error, d.detail
FROM unnest($7::uuid[]) AS given (event_id)
JOIN {schema}.delivery_anywhere d ON d.id > given.event_id AND d.id <= {schema}.last_of(given.event_id)
WHERE d.id >= $1 AND d.id < $2 AND d.marks < 4
  AND ($4::smallint IS NULL OR d.status = $4)
  AND ($5::smallint IS NULL OR d.reason = $5)
  AND ($6::uuid IS NULL OR d.endpoint_id = $6)
ORDER BY d.id DESC
LIMIT $3
