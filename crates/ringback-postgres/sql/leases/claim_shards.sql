-- Makes a node the owner of locked shards. The open requests of the last owner stay in the row until this node hands
-- the shard over itself: the answer to this statement may be lost, and then the node claims again. (SQLite: a lock
-- file; shards and leases are in memory.)
UPDATE {schema}.shard SET node_id = $1 WHERE shard = ANY ($2::smallint[])
