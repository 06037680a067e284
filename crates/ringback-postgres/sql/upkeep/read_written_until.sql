-- Up to when all that is written can be read: now, or when the oldest transaction of Ringback's began that has written
-- something and is still open, if only for the sake of its commit. It has an id from its first change or lock of a row on.
-- The sessions of other roles are not shown to everybody. (SQLite: the writer knows when it began.)
WITH clock AS MATERIALIZED (SELECT {schema}.clock() AS now)
SELECT now - coalesce((
    SELECT max((extract(epoch FROM clock_timestamp() - xact_start) * 1000000)::bigint)
    FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'ringback' AND backend_xid IS NOT NULL
      AND pid <> pg_backend_pid()
), 0) AS until
FROM clock
