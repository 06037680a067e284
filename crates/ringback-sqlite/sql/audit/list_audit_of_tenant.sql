-- The same of one tenant's things. ?5 tenant.
SELECT seq, at, who, action, object, tenant, request_id, before, after
FROM ringback_audit
WHERE tenant = ?5
  AND at >= ?3
  AND (at, seq) < (?1, ?2)
ORDER BY at DESC, seq DESC
LIMIT ?4
