-- The dead letters that a replay's filter finds. $1 <= id < $2, $3 tenant, $4 endpoint, $5 type, $6 key, $7 host and $8
-- its endpoints, $9 reason, $10 last status code. Of an inline destination only the text is looked for.
-- The limit keeps the planner from reading all events for the few that died. (SQLite: the event by its seq.)
SELECT d.id, e.payload_bytes, CASE WHEN $7::text IS NOT NULL AND d.endpoint_id IS NULL THEN e.destination END AS destination
FROM {schema}.dead_letter d
CROSS JOIN LATERAL (
    SELECT * FROM {schema}.event WHERE id = {schema}.event_of(d.id) AND id >= $1 AND id < $2 LIMIT 1
) e
WHERE d.id >= $1 AND d.id < $2
  AND {part.fits_replay}
  AND ($9::smallint IS NULL OR d.reason = $9)
  AND ($10::integer IS NULL OR d.last_status = $10)
