-- The due deliveries of a lane after a cursor; of an ordering key only its head.
-- ?1 the lane, (?2, ?3) the cursor, ?4 now, ?5 how many. (PostgreSQL: feed_lanes.)
SELECT d.id,
       d.lane,
       d.endpoint_id,
       d.due_at,
       d.seq,
       d.attempts,
       d.attempts_at_refill,
       d.marks,
       d.ordering_key
FROM ringback_delivery AS d
WHERE d.lane = ?1
  AND (d.due_at, d.id) > (?2, ?3)
  AND d.due_at <= ?4
  AND (
      d.ordering_key IS NULL
      OR d.seq = (
          SELECT min(earlier.seq)
          FROM ringback_delivery AS earlier
          WHERE earlier.lane = d.lane
            AND earlier.ordering_key = d.ordering_key
      )
      AND NOT EXISTS (
          SELECT 1
          FROM ringback_dead_letter AS dead
          WHERE dead.blocks
            AND dead.lane = d.lane
            AND dead.ordering_key = d.ordering_key
            AND dead.seq < d.seq
      )
  )
ORDER BY d.due_at, d.id
LIMIT ?5
