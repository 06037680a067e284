-- Payloads of events without pending deliveries and dead letters. ?1 < seq <= ?2, events older than ?3.
-- (PostgreSQL: by id, and finds its own end, locked in order.)
UPDATE ringback_event AS e
SET payload = NULL, payload_expired = 1
WHERE e.seq > ?1
  AND e.seq <= ?2
  AND e.id < ?3
  AND e.expunged_at IS NULL
  AND NOT e.payload_expired
  AND {part.is_over}
