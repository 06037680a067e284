-- Removes a node. A shard that names it belongs to nobody from now on.
-- (SQLite: a lock file; shards and leases are in memory.)
DELETE FROM {schema}.node WHERE id = $1
