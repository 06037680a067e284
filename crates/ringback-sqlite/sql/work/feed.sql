-- The due deliveries of a shard or a lane ({narrowed} says of which, by ?1) after a cursor; of an ordering key only its
-- head. (?2, ?3) the cursor, ?4 now, ?5 how many. (PostgreSQL: feed_shards and feed_lanes, over an index each.)
SELECT {part.due_columns}
FROM ringback_delivery AS d
WHERE {narrowed}
  AND (d.due_at, d.id) > (?2, ?3)
  AND d.due_at <= ?4
  AND {part.is_first_in_order}
ORDER BY d.due_at, d.id
LIMIT ?5
