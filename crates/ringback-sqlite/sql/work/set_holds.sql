-- ?1 rows {lane, shard, until, reason, streak}, ?2 now; a later one of the same lane wins. If a hold goes on, or
-- follows one of the same outage (its streak shows it), it counts as begun when that one did. (PostgreSQL: only of
-- shards that are this node's, which are locked meanwhile; the time is the database's.)
INSERT INTO ringback_hold (lane, shard, until, reason, streak, since)
SELECT value ->> 'lane', value ->> 'shard', value ->> 'until', value ->> 'reason', value ->> 'streak', ?2
FROM jsonb_each(?1)
WHERE true
ON CONFLICT (lane) DO UPDATE
SET until = excluded.until, reason = excluded.reason, streak = excluded.streak,
    since = CASE WHEN until > excluded.since OR excluded.streak > 1 THEN since ELSE excluded.since END
