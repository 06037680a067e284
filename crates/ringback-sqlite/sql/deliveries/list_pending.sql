-- Deliveries that are owed. ?1 <= id < ?2, ?3 the window, ?4 how many, ?5 now, ?6 tenant, ?7 type, ?8 key,
-- ?9 endpoint, ?12 host, ?13 that host's endpoints.
-- (PostgreSQL: read_lane_holds reads the holds; the endpoint and the marks are looked at inside the window, over an
-- index.)
WITH scanned AS (
    SELECT id, lane, endpoint_id, seq, attempts, marks, due_at
    FROM ringback_delivery
    WHERE id >= ?1
      AND id < ?2
    ORDER BY id DESC
    LIMIT ?3
)
SELECT d.id AS id,
       d.lane AS lane,
       d.endpoint_id AS endpoint_id,
       d.attempts,
       d.marks,
       'pending' AS status,
       NULL AS reason,
       d.due_at AS due_at,
       NULL AS finished_at,
       NULL AS last_status,
       NULL AS last_error,
       NULL AS detail,
       h.until AS held_until,
       h.reason AS hold_reason,
       {part.event_of_delivery}
FROM scanned AS d
CROSS JOIN ringback_event AS e ON e.seq = d.seq
LEFT JOIN ringback_hold AS h ON h.lane = d.lane AND h.until > ?5
WHERE d.marks & {marks.delivered_before} = 0
  AND {part.is_listed}
ORDER BY d.id DESC
LIMIT ?4
