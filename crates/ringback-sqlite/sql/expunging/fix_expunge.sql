-- The fixed set of an expunge. ?1 <= id < ?2, ?3 tenant, ?4 type.
-- (PostgreSQL: found and kept in one statement, since the set may be large.)
SELECT id, payload_bytes
FROM ringback_event
WHERE id >= ?1
  AND id < ?2
  AND tenant = ?3
  AND (?4 IS NULL OR type = ?4)
