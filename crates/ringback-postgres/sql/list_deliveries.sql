-- Deliveries of a stretch of ids, newest first; the reader filters by what only their events know.
SELECT id, endpoint_id, lane, marks, status, reason, attempts, due_at, finished_at, last_status, last_error, detail
FROM {schema}.delivery_anywhere
WHERE id >= $1 AND id < $2 AND marks < 4
  AND ($4::smallint IS NULL OR status = $4)
  AND ($5::smallint IS NULL OR reason = $5)
  AND ($6::uuid IS NULL OR endpoint_id = $6)
ORDER BY id DESC
LIMIT $3
