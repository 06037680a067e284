-- The shards or lanes ({narrowed} says which) that have something due after their cursors. ?1 rows {of, due_at, id},
-- ?2 now. (PostgreSQL: in feed_shards and feed_lanes, whose LATERAL reads each at once.)
SELECT place.value ->> 'of'
FROM jsonb_each(?1) AS place
WHERE EXISTS (
    SELECT 1
    FROM ringback_delivery AS d
    WHERE {narrowed}
      AND (d.due_at, d.id) > (place.value ->> 'due_at', unhex(place.value ->> 'id'))
      AND d.due_at <= ?2
)
