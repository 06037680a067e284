-- Deliveries that are over; of a delivered one that is being replayed, when that is due. ?1 <= id < ?2, ?3 the window,
-- ?4 how many, ?5 now, ?6 tenant, ?7 type, ?8 key, ?9 endpoint, ?10 status, ?12 host, ?13 that host's endpoints.
-- (PostgreSQL: read_lane_holds and read_replays_under_way read those, for the page alone.)
WITH scanned AS (
    SELECT row, id
    FROM ringback_finished
    WHERE id >= ?1
      AND id < ?2 {narrowed}
    ORDER BY id DESC
    LIMIT ?3
)
SELECT d.id AS id,
       d.lane AS lane,
       d.endpoint_id AS endpoint_id,
       d.attempts,
       coalesce(again.marks, d.marks) AS marks,
       iif(d.status = {finished.delivered}, 'delivered', 'cancelled') AS status,
       NULL AS reason,
       again.due_at AS due_at,
       d.finished_at,
       NULL AS last_status,
       NULL AS last_error,
       NULL AS detail,
       h.until AS held_until,
       h.reason AS hold_reason,
       {part.event_of_delivery}
FROM scanned AS s
CROSS JOIN ringback_finished AS d ON d.row = s.row
CROSS JOIN ringback_event AS e ON e.seq = d.seq
LEFT JOIN ringback_delivery AS again ON again.id = d.id
LEFT JOIN ringback_hold AS h ON h.lane = again.lane AND h.until > ?5
WHERE (?10 IS NULL OR d.status = ?10)
  AND {part.is_listed}
ORDER BY d.id DESC
LIMIT ?4
