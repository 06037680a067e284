-- ?1 rows {lane, shard, until, reason, streak}, ?2 now; a later one of the same lane wins. A hold that goes on, or follows on
-- one for the same failing (its streak says so), began when that one did.
INSERT INTO ringback_hold (lane, shard, until, reason, streak, since)
SELECT value ->> 'lane', value ->> 'shard', value ->> 'until', value ->> 'reason', value ->> 'streak', ?2
FROM jsonb_each(?1)
WHERE true
ON CONFLICT (lane) DO UPDATE
SET until = excluded.until, reason = excluded.reason, streak = excluded.streak,
    since = CASE WHEN until > excluded.since OR excluded.streak > 1 THEN since ELSE excluded.since END
