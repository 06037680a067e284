-- Dead letters among deliveries, by id. ?1 <= id < ?2, ?3 the window, ?4 how many, ?5 now, ?6 tenant, ?7 type, ?8 key,
-- ?9 endpoint, ?11 reason, ?12 host, ?13 that host's endpoints.
-- (PostgreSQL: the endpoint is looked at inside the window, over an index.)
WITH scanned AS (
    SELECT id, lane, endpoint_id, seq, attempts, marks, reason, died_at, last_status, last_error, detail
    FROM ringback_dead_letter
    WHERE id >= ?1
      AND id < ?2
    ORDER BY id DESC
    LIMIT ?3
)
SELECT {part.dead_letter_columns}
FROM scanned AS d
CROSS JOIN ringback_event AS e ON e.seq = d.seq
WHERE (?11 IS NULL OR d.reason = ?11)
  AND {part.is_listed}
ORDER BY d.id DESC
LIMIT ?4
