-- The same as list_audit, of one tenant's objects. ?5 tenant.
SELECT seq, at, who, action, object, tenant, request_id, before, after
FROM ringback_audit
WHERE tenant = ?5
  AND (at, seq) < (?1, ?2)
  AND at >= ?3
ORDER BY at DESC, seq DESC
LIMIT ?4
