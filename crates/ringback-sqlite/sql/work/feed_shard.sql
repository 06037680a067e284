-- The due deliveries of a shard after a cursor; of an ordering key only its head.
-- ?1 the shard, (?2, ?3) the cursor, ?4 now, ?5 how many. (PostgreSQL: feed_shards.)
SELECT {part.due_columns}
FROM ringback_delivery AS d
WHERE d.shard = ?1
  AND (d.due_at, d.id) > (?2, ?3)
  AND d.due_at <= ?4
  AND {part.is_first_in_order}
ORDER BY d.due_at, d.id
LIMIT ?5
