-- The dead letters that a replay's filter finds. $1 <= id < $2, $3 tenant, $4 endpoint, $5 type, $6 key, $7 host and $8
-- its endpoints, $9 reason, $10 last status code. Of an inline destination only the text is looked for.
SELECT d.id, e.payload_bytes, CASE WHEN $7::text IS NOT NULL AND d.endpoint_id IS NULL THEN e.destination END AS destination
FROM {schema}.dead_letter d
JOIN {schema}.event e ON e.id = {schema}.event_of(d.id)
WHERE d.id >= $1 AND d.id < $2 AND e.id >= $1 AND e.id < $2
  AND ($3::text IS NULL OR e.tenant = $3)
  AND ($4::uuid IS NULL OR d.endpoint_id = $4)
  AND ($5::text IS NULL OR e.type = $5)
  AND ($6::text IS NULL OR e.key = $6)
  AND ($7::text IS NULL OR d.endpoint_id = ANY ($8::uuid[])
       OR (d.endpoint_id IS NULL AND position(lower($7) IN lower(e.destination)) > 0))
  AND ($9::smallint IS NULL OR d.reason = $9)
  AND ($10::integer IS NULL OR d.last_status = $10)
