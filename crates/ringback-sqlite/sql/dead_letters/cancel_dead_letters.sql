-- Copies dead letters to finished. ?1 <= id < ?2, ?3 now.
-- (PostgreSQL: cancel_dead_letters_of_events and discard_dead_letter.)
INSERT INTO ringback_finished (id, lane, seq, config_version, finished_at, endpoint_id, attempts, status, marks)
SELECT id, lane, seq, config_version, ?3, endpoint_id, attempts, {finished.cancelled}, marks
FROM ringback_dead_letter
WHERE id >= ?1
  AND id < ?2
