-- ?1 the replay, ?2 ids. (PostgreSQL: ids come as an array.)
INSERT INTO ringback_replay_item (replay_id, delivery_id)
SELECT ?1, unhex(value)
FROM json_each(?2)
