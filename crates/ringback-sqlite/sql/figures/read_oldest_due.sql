-- ?1 now. How long the delivery that is due for longest has been: the first of the feed's index in some shard.
-- (PostgreSQL: the time is the database's.)
WITH RECURSIVE shards (shard) AS (SELECT 0 UNION ALL SELECT shard + 1 FROM shards WHERE shard < 63)
SELECT ?1 - min((SELECT min(due_at) FROM ringback_delivery AS d WHERE d.shard = shards.shard)) AS due_for
FROM shards
