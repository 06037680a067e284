-- The dead letters that a replay's filter finds. ?1 <= id < ?2, ?3 tenant, ?4 type, ?5 key, ?6 endpoint, ?7 host, ?8 that
-- host's endpoints, ?9 reason, ?10 last status code. Of an inline destination only the text is looked for.
SELECT d.id,
       e.payload_bytes,
       iif(?7 IS NOT NULL AND d.endpoint_id IS NULL, e.destination, NULL) AS destination
FROM ringback_dead_letter AS d
CROSS JOIN ringback_event AS e ON e.seq = d.seq
WHERE d.id >= ?1
  AND d.id < ?2
  AND (?3 IS NULL OR e.tenant = ?3)
  AND (?4 IS NULL OR e.type = ?4)
  AND (?5 IS NULL OR e.key = ?5)
  AND (?6 IS NULL OR d.endpoint_id = ?6)
  AND (?7 IS NULL
       OR d.endpoint_id IN (SELECT unhex(value) FROM json_each(?8))
       OR (d.endpoint_id IS NULL AND instr(lower(e.destination), lower(?7)) > 0))
  AND (?9 IS NULL OR d.reason = ?9)
  AND (?10 IS NULL OR d.last_status = ?10)
