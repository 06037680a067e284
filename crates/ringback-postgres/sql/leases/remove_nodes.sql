-- Removes locked nodes whose lease has ended, so that they stay ended if the clock is set back.
-- (SQLite: a lock file; shards and leases are in memory.)
DELETE FROM {schema}.node WHERE id = ANY ($1::uuid[])
