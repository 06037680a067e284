-- ?1 now, ?2 where counting stops. The oldest due one is the first of the feed's index in some shard.
WITH RECURSIVE shards (shard) AS (SELECT 0 UNION ALL SELECT shard + 1 FROM shards WHERE shard < 63)
SELECT (SELECT count(*) FROM (SELECT 1 FROM ringback_delivery WHERE marks & 4 = 0 LIMIT ?2)) AS pending,
       (SELECT max(0, ?1 - coalesce(min((SELECT min(due_at) FROM ringback_delivery AS d WHERE d.shard = shards.shard)), ?1))
        FROM shards) AS oldest_due
