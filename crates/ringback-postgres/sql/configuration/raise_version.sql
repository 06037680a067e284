-- Raises the configuration version, one number for each change, and holds the row until commit: versions become
-- visible in order. (SQLite: one change at a time, and the writer's lock is held anyway.)
UPDATE {schema}.config SET version = version + $1 RETURNING version
