-- The fixed set of a replay. ?1 <= id < ?2, ?3 tenant, ?4 type, ?5 key, ?6 endpoint.
SELECT d.id, e.payload_bytes
FROM ringback_dead_letter AS d
CROSS JOIN ringback_event AS e ON e.seq = d.seq
WHERE d.id >= ?1
  AND d.id < ?2
  AND (?3 IS NULL OR e.tenant = ?3)
  AND (?4 IS NULL OR e.type = ?4)
  AND (?5 IS NULL OR e.key = ?5)
  AND (?6 IS NULL OR d.endpoint_id = ?6)
