-- Dead letters of one endpoint, newest death first. ?1 <= died_at, (died_at, id) < (?2, ?3), ?4 how many, ?6 tenant, ?7 type, ?8 key,
-- ?9 endpoint, ?11 reason, ?12 host, ?13 that host's endpoints, ?14 the window.
WITH scanned AS (
    SELECT id, lane, endpoint_id, seq, attempts, marks, reason, died_at, last_status, last_error, detail
    FROM ringback_dead_letter
    WHERE died_at >= ?1
      AND (died_at, id) < (?2, ?3)
      AND endpoint_id = ?9
    ORDER BY died_at DESC, id DESC
    LIMIT ?14
)
SELECT d.id AS id,
       d.lane AS lane,
       d.endpoint_id AS endpoint_id,
       d.attempts,
       d.marks,
       'dead' AS status,
       d.reason AS reason,
       NULL AS due_at,
       d.died_at AS finished_at,
       d.last_status,
       d.last_error,
       d.detail,
       NULL AS held_until,
       NULL AS hold_reason,
       e.id AS event_id,
       e.seq AS seq,
       e.tenant,
       e.type,
       e.key,
       e.ordering_key,
       e.idempotency_key,
       e.occurred_at,
       NULL AS endpoint_keys,
       e.destination,
       e.test
FROM scanned AS d
CROSS JOIN ringback_event AS e ON e.seq = d.seq
WHERE (?11 IS NULL OR d.reason = ?11)
  AND (?6 IS NULL OR e.tenant = ?6)
  AND (?7 IS NULL OR e.type = ?7)
  AND (?8 IS NULL OR e.key = ?8)
  AND (?9 IS NULL OR d.endpoint_id = ?9)
  AND (
      ?12 IS NULL
      OR d.endpoint_id IN (SELECT unhex(value) FROM json_each(?13))
      OR d.endpoint_id IS NULL AND instr(lower(iif(json_valid(e.destination), e.destination ->> 'url', NULL)), ?12)
  )
ORDER BY d.died_at DESC, d.id DESC
LIMIT ?4
