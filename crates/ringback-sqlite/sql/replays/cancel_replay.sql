-- ?1 the replay, ?2 now. (PostgreSQL: the time is the database's.)
UPDATE ringback_replay
SET state = {replay.cancelled}, finished_at = ?2
WHERE id = ?1
  AND state = {replay.running}
