-- ?1 the replay, ?2 ids. (PostgreSQL: ids come as an array.)
UPDATE ringback_replay_item
SET released = 1
WHERE replay_id = ?1
  AND delivery_id IN (SELECT unhex(value) FROM json_each(?2))
