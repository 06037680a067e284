-- Those that ended before ?1; their items are gone.
DELETE FROM ringback_replay
WHERE finished_at < ?1
