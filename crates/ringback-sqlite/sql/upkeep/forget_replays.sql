-- Those that ended before ?1; their items are gone. (PostgreSQL: a bounded number, and only without items.)
DELETE FROM ringback_replay
WHERE finished_at < ?1
