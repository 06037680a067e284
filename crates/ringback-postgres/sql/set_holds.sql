-- Sets holds; what has ended already is kept until upkeep removes it and is no hold meanwhile.
INSERT INTO {schema}.hold (lane, until, streak, shard, reason)
SELECT lane, until, streak, lane & 63, reason
FROM unnest($1::bigint[], $2::bigint[], $3::integer[], $4::smallint[]) AS given (lane, until, streak, reason)
ORDER BY lane
ON CONFLICT (lane) DO UPDATE
SET until = excluded.until, streak = excluded.streak, reason = excluded.reason
