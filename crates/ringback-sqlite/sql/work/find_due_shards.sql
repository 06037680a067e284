-- The shards that have something due after their cursors. ?1 rows {of, due_at, id}, ?2 now.
-- (PostgreSQL: in feed_shards.)
SELECT place.value ->> 'of'
FROM jsonb_each(?1) AS place
WHERE EXISTS (
    SELECT 1
    FROM ringback_delivery AS d
    WHERE d.shard = place.value ->> 'of'
      AND (d.due_at, d.id) > (place.value ->> 'due_at', unhex(place.value ->> 'id'))
      AND d.due_at <= ?2
)
