-- ?1 shards, ?2 now. (PostgreSQL: by the database's clock.)
SELECT lane, until, reason, streak
FROM ringback_hold
WHERE shard IN (SELECT value FROM json_each(?1))
  AND until > ?2
