-- The same as list_audit, of the things of one tenant (?8).
SELECT seq, at, who, action, object, tenant, request_id, before, after
FROM ringback_audit
WHERE tenant = ?8 AND (at, seq) < (?1, ?2) AND at >= ?3
  AND (?5 IS NULL OR who = ?5) AND (?6 IS NULL OR action = ?6) AND (?7 IS NULL OR object = ?7)
ORDER BY at DESC, seq DESC
LIMIT ?4
