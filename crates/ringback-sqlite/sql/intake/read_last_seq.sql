-- The highest `seq` ever given; 0 before the first. Whoever reads it holds the write lock.
SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'ringback_event'), 0)
