-- The owner of each shard with whether its lease runs, and every node whose lease runs, of one snapshot. A node whose
-- lease has ended is removed, so that it stays ended if the clock is set back. A lease that ends later than its length
-- from now was granted before the clock was set back, and is cut to that length. Nodes that are renewing are skipped
-- without waiting, and are not removed. (SQLite: a lock file; shards and leases are in memory.)
WITH clock AS MATERIALIZED (SELECT {schema}.clock() AS now),
wrong AS MATERIALIZED (
    SELECT node.id, node.lease_until <= clock.now AS ended
    FROM {schema}.node
    CROSS JOIN clock
    WHERE node.lease_until <= clock.now OR node.lease_until > clock.now + node.lease + 1000000
    ORDER BY node.id
    FOR UPDATE OF node SKIP LOCKED
),
removed AS (
    DELETE FROM {schema}.node USING wrong WHERE node.id = wrong.id AND wrong.ended
),
cut AS (
    UPDATE {schema}.node
    SET lease_until = clock.now + node.lease
    FROM wrong
    CROSS JOIN clock
    WHERE node.id = wrong.id AND NOT wrong.ended
)
SELECT clock.now, entry.shard, entry.node_id
FROM clock
LEFT JOIN LATERAL (
    SELECT shard, node_id FROM {schema}.shard WHERE node_id IS NOT NULL
    UNION ALL
    SELECT NULL, id FROM {schema}.node WHERE lease_until > clock.now
) entry ON true
