-- The dead letters that a replay's filter finds. $1 <= id < $2, $3 tenant, $4 endpoint, $5 type, $6 key, $7 host and $8
-- its endpoints, $9 reason, $10 last status code. Of an inline destination only the text is looked for.
-- (SQLite: the event by its seq.)
SELECT d.id, e.payload_bytes, CASE WHEN $7::text IS NOT NULL AND d.endpoint_id IS NULL THEN e.destination END AS destination
FROM {schema}.dead_letter d
JOIN {schema}.event e ON e.id = {schema}.event_of(d.id)
WHERE d.id >= $1 AND d.id < $2 AND e.id >= $1 AND e.id < $2
  AND {part.fits_replay}
  AND ($9::smallint IS NULL OR d.reason = $9)
  AND ($10::integer IS NULL OR d.last_status = $10)
