-- Makes locked shards a node's own. What was handed over with them stays noted until the node hands over itself: the
-- answer to this may be lost, and then it asks again.
UPDATE {schema}.shard SET node_id = $1 WHERE shard = ANY ($2::smallint[])
