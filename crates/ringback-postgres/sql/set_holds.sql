-- Sets holds of lanes whose shards are a node's; what has ended already is kept until upkeep removes it and is no hold
-- meanwhile. A hold that goes on, or follows on one for the same failing (its streak says so), began when that one did.
INSERT INTO {schema}.hold AS hold (lane, until, streak, shard, reason, since)
SELECT given.lane, given.until, given.streak, s.shard, given.reason, {schema}.clock()
FROM unnest($1::bigint[], $2::bigint[], $3::integer[], $4::smallint[]) AS given (lane, until, streak, reason)
JOIN {schema}.shard s ON s.shard = (given.lane & 63)::smallint
WHERE s.node_id = $5
ORDER BY given.lane
ON CONFLICT (lane) DO UPDATE
SET until = excluded.until, streak = excluded.streak, reason = excluded.reason,
    since = CASE WHEN hold.until > excluded.since OR excluded.streak > 1 THEN hold.since ELSE excluded.since END
