-- Gives a node's shards back, each with the requests that are still open. Locked in the order in which they are
-- claimed. (SQLite: a lock file; shards and leases are in memory.)
WITH locked AS MATERIALIZED (
    SELECT s.shard, given.open
    FROM unnest($2::smallint[], $3::text[]) AS given (shard, open)
    JOIN {schema}.shard s ON s.shard = given.shard
    WHERE s.node_id = $1
    ORDER BY s.shard
    FOR UPDATE OF s
)
UPDATE {schema}.shard s
SET node_id = NULL, open = locked.open
FROM locked
WHERE s.shard = locked.shard
