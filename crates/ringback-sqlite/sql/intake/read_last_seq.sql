-- The highest `seq` ever given; 0 before the first. Must be read under the write lock. (PostgreSQL: a sequence.)
SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'ringback_event'), 0)
