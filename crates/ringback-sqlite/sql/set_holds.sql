-- ?1 rows {lane, shard, until, reason, streak}; a later one of the same lane wins.
INSERT OR REPLACE INTO ringback_hold (lane, shard, until, reason, streak)
SELECT value ->> 'lane', value ->> 'shard', value ->> 'until', value ->> 'reason', value ->> 'streak'
FROM jsonb_each(?1)
