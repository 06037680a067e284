-- An endpoint sends again: all that waits is due now, with a fresh budget. ?1 its lane, ?2 its id, ?3 now.
-- (PostgreSQL: locked in the order of ids first; the time is the database's.)
UPDATE ringback_delivery
SET due_at = iif(attempts = 0, max(due_at, ?3), ?3), attempts_at_refill = attempts
WHERE lane = ?1
  AND endpoint_id = ?2
