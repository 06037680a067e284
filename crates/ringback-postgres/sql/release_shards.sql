-- Gives a node's shards back, each with the requests that are still open.
UPDATE {schema}.shard s
SET node_id = NULL, open = given.open
FROM unnest($2::smallint[], $3::text[]) AS given (shard, open)
WHERE s.shard = given.shard AND s.node_id = $1
