-- Dead letters, newest death first. ?1 <= died_at, (died_at, id) < (?2, ?3), ?4 how many, ?6 tenant, ?7 type, ?8 key,
-- ?9 endpoint, ?11 reason, ?12 host, ?13 that host's endpoints, ?14 the window.
-- (PostgreSQL: one statement, planned for its values.)
WITH scanned AS (
    SELECT id, lane, endpoint_id, seq, attempts, marks, reason, died_at, last_status, last_error, detail
    FROM ringback_dead_letter
    WHERE died_at >= ?1
      AND (died_at, id) < (?2, ?3) {narrowed}
    ORDER BY died_at DESC, id DESC
    LIMIT ?14
)
SELECT {part.dead_letter_columns}
FROM scanned AS d
CROSS JOIN ringback_event AS e ON e.seq = d.seq
WHERE (?11 IS NULL OR d.reason = ?11)
  AND {part.is_listed}
ORDER BY d.died_at DESC, d.id DESC
LIMIT ?4
