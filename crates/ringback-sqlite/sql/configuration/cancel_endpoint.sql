-- Copies pending deliveries to finished; replays of delivered ones are there already. ?1 the lane, ?2 the endpoint, ?3
-- now. (PostgreSQL: removed in the same statement, and locked first, as others record outcomes meanwhile.)
INSERT INTO ringback_finished (id, lane, seq, config_version, finished_at, endpoint_id, attempts, status, marks)
SELECT id, lane, seq, config_version, ?3, endpoint_id, attempts, {finished.cancelled}, marks
FROM ringback_delivery
WHERE lane = ?1
  AND endpoint_id = ?2
  AND marks & {marks.delivered_before} = 0
