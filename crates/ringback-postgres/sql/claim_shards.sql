-- Makes locked shards a node's own; what was handed over with them has been read.
UPDATE {schema}.shard SET node_id = $1, open = '[]' WHERE shard = ANY ($2::smallint[])
