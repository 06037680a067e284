-- A second row beside the finished one, marked as a replay of a delivered one, without an ordering key. ?1 ids, ?2 now.
-- (PostgreSQL: the highest attempt counts, too; what another node has just released is left as it is.)
INSERT INTO ringback_delivery (id, shard, lane, due_at, seq, config_version, endpoint_id, attempts,
                               attempts_at_refill, marks)
SELECT f.id, f.lane & 63, f.lane, ?2, f.seq, f.config_version, f.endpoint_id, f.attempts, f.attempts, f.marks | {marks.replay} | {marks.delivered_before}
FROM json_each(?1) AS wanted
CROSS JOIN ringback_finished AS f ON f.id = unhex(wanted.value)
