-- Sets holds of lanes whose shards are a node's. A hold that has ended stays until upkeep removes it, without effect.
-- If a hold goes on, or follows one of the same outage (its streak shows it), it counts as begun when that one did. $6
-- are the lanes' shards. They stay the node's until this is committed; who gave one away meanwhile sets nothing there.
-- (SQLite: nobody else owns shards; the time is an argument.)
WITH owned AS MATERIALIZED (
    SELECT s.shard
    FROM {schema}.shard s
    WHERE s.shard = ANY ($6::smallint[]) AND s.node_id = $5
    ORDER BY s.shard
    FOR SHARE
)
INSERT INTO {schema}.hold AS hold (lane, until, streak, shard, reason, since)
SELECT given.lane, given.until, given.streak, owned.shard, given.reason, {schema}.clock()
FROM unnest($1::bigint[], $2::bigint[], $3::integer[], $4::smallint[]) AS given (lane, until, streak, reason)
JOIN owned ON owned.shard = (given.lane & 63)::smallint
ORDER BY given.lane
ON CONFLICT (lane) DO UPDATE
SET until = excluded.until, streak = excluded.streak, reason = excluded.reason,
    since = CASE WHEN hold.until > excluded.since OR excluded.streak > 1 THEN hold.since ELSE excluded.since END
