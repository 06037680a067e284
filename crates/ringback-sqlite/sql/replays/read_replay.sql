-- ?1 the replay.
SELECT {part.replay_columns}
FROM ringback_replay AS r
WHERE r.id = ?1
