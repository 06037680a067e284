-- Changes, newest first. (at, seq) < (?1, ?2), ?3 <= at, ?4 how many.
SELECT seq, at, who, action, object, tenant, request_id, before, after
FROM ringback_audit
WHERE (at, seq) < (?1, ?2)
  AND at >= ?3
ORDER BY at DESC, seq DESC
LIMIT ?4
