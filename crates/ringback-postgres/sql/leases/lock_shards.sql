-- Locks shards, so that two nodes claim them one after the other, and reads the open requests of the last owner.
-- (SQLite: a lock file; shards and leases are in memory.)
SELECT shard, node_id, open FROM {schema}.shard WHERE shard = ANY ($1::smallint[]) ORDER BY shard FOR UPDATE
