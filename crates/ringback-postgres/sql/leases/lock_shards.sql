-- Locks shards, so that two nodes claim them one after the other, and reads what was handed over with them.
SELECT shard, node_id, open FROM {schema}.shard WHERE shard = ANY ($1::smallint[]) ORDER BY shard FOR UPDATE
