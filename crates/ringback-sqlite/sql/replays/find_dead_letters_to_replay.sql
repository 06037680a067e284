-- The dead letters that a replay's filter finds. ?1 <= id < ?2, ?3 tenant, ?4 type, ?5 key, ?6 endpoint, ?7 host, ?8
-- that host's endpoints, ?9 reason, ?10 last status code. Of an inline destination only the text is looked for.
-- (PostgreSQL: the event by its id, within the bounds that leave partitions out.)
SELECT d.id,
       e.payload_bytes,
       iif(?7 IS NOT NULL AND d.endpoint_id IS NULL, e.destination, NULL) AS destination
FROM ringback_dead_letter AS d
CROSS JOIN ringback_event AS e ON e.seq = d.seq
WHERE d.id >= ?1
  AND d.id < ?2
  AND {part.fits_replay}
  AND (?9 IS NULL OR d.reason = ?9)
  AND (?10 IS NULL OR d.last_status = ?10)
