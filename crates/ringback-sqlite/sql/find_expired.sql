-- Due before ?1 in lanes that are held at ?2: by a hold, or by their endpoint. ?3 how many.
SELECT d.id,
       d.lane,
       d.marks & 2 = 2 AS replayed,
       d.ordering_key IS NOT NULL AS ordered
FROM (
    SELECT lane FROM ringback_hold WHERE until > ?2
    UNION
    SELECT lane FROM ringback_endpoint WHERE deleted_at IS NULL AND (paused OR NOT enabled)
) AS held
CROSS JOIN ringback_delivery AS d ON d.lane = held.lane
WHERE d.due_at < ?1
LIMIT ?3
