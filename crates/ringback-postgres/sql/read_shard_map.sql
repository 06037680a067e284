-- The owner of each shard with whether its lease runs, and every node whose lease runs, of one snapshot.
WITH clock AS MATERIALIZED (SELECT {schema}.clock() AS now)
SELECT clock.now, entry.shard, entry.node_id
FROM clock
LEFT JOIN LATERAL (
    SELECT shard, node_id FROM {schema}.shard WHERE node_id IS NOT NULL
    UNION ALL
    SELECT NULL, id FROM {schema}.node WHERE lease_until > clock.now
) entry ON true
