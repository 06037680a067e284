-- The fixed set of an expunge by key. ?1 <= id < ?2, ?3 tenant, ?4 key. (PostgreSQL: fix_expunge.)
SELECT id, payload_bytes
FROM ringback_event
WHERE key = ?4
  AND id >= ?1
  AND id < ?2
  AND +tenant = ?3
