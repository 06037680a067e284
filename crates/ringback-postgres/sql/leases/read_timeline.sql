-- The timeline that the database is on: each promotion of a standby and each recovery to a point in time begins
-- another. (SQLite: `presence` checks the files instead.)
SELECT left(pg_walfile_name(pg_current_wal_lsn()), 8) AS timeline
