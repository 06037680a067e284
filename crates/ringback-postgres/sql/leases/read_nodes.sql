-- Every registered node with the end of its lease, and the owner of each shard that has one, of one snapshot. Unlike
-- read_shard_map it locks and removes nothing. (SQLite: a lock file; shards and leases are in memory.)
WITH clock AS MATERIALIZED (SELECT {schema}.clock() AS now)
SELECT clock.now, entry.shard, entry.node_id, entry.lease_until
FROM clock
LEFT JOIN LATERAL (
    SELECT shard, node_id, NULL::bigint AS lease_until FROM {schema}.shard WHERE node_id IS NOT NULL
    UNION ALL
    SELECT NULL, id, lease_until FROM {schema}.node
) entry ON true
