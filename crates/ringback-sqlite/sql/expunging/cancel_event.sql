-- Copies pending deliveries to finished; replays of delivered ones are there already. ?1 <= id < ?2, ?3 now.
-- (PostgreSQL: cancel_deliveries.)
INSERT INTO ringback_finished (id, lane, seq, config_version, finished_at, endpoint_id, attempts, status, marks)
SELECT id, lane, seq, config_version, ?3, endpoint_id, attempts, {finished.cancelled}, marks
FROM ringback_delivery
WHERE id >= ?1
  AND id < ?2
  AND marks & {marks.delivered_before} = 0
