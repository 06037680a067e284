-- Dead letters are owed again, with a fresh budget, marked as replays. ?1 ids, ?2 now.
-- (PostgreSQL: removed in the same statement; the time is the database's.)
INSERT INTO ringback_delivery (id, shard, lane, due_at, seq, config_version, endpoint_id, attempts,
                               attempts_at_refill, marks, ordering_key)
SELECT d.id, d.lane & 63, d.lane, ?2, d.seq, d.config_version, d.endpoint_id, d.attempts, d.attempts, d.marks | {marks.replay},
       d.ordering_key
FROM json_each(?1) AS wanted
CROSS JOIN ringback_dead_letter AS d ON d.id = unhex(wanted.value)
