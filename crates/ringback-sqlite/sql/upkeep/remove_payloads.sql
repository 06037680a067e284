-- Payloads of events without pending deliveries and dead letters. ?1 < seq <= ?2, events older than ?3.
UPDATE ringback_event AS e
SET payload = NULL, payload_expired = 1
WHERE e.seq > ?1
  AND e.seq <= ?2
  AND e.id < ?3
  AND e.expunged_at IS NULL
  AND NOT e.payload_expired
  AND NOT EXISTS (
      SELECT 1 FROM ringback_outbox AS o WHERE o.seq = e.seq
  )
  AND NOT EXISTS (
      SELECT 1 FROM ringback_delivery AS d
      WHERE d.id > e.id AND d.id <= CAST(substr(e.id, 1, 14) || x'ffff' AS BLOB)
  )
  AND NOT EXISTS (
      SELECT 1 FROM ringback_dead_letter AS d
      WHERE d.id > e.id AND d.id <= CAST(substr(e.id, 1, 14) || x'ffff' AS BLOB)
  )
