-- ?1 the replay, ?2 now.
UPDATE ringback_replay
SET state = 3, finished_at = ?2
WHERE id = ?1
  AND state = 1
