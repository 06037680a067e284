-- Due before ?1 in lanes that are kept from sending at ?2, and have been since ?1: by a hold, or by their endpoint. A
-- short hold must not expire deliveries that had waited for other reasons. Test deliveries are sent whatever their
-- endpoint's state. ?3 how many. (PostgreSQL: in expire_held.)
SELECT DISTINCT d.id,
       d.lane,
       d.marks & {marks.replay} <> 0 AS replayed,
       d.ordering_key IS NOT NULL AS ordered
FROM (
    SELECT lane, false AS by_endpoint FROM ringback_hold WHERE until > ?2 AND since <= ?1
    UNION
    SELECT lane, true
    FROM ringback_endpoint
    WHERE deleted_at IS NULL AND (paused OR NOT enabled) AND updated_at <= ?1
) AS held
CROSS JOIN ringback_delivery AS d ON d.lane = held.lane
WHERE d.due_at < ?1 AND NOT (held.by_endpoint AND d.marks & {marks.test} <> 0)
LIMIT ?3
