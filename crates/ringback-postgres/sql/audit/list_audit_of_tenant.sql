-- Changes of one tenant's things, newest first.
SELECT seq, at, who, action, object, tenant, request_id, before, after
FROM {schema}.audit
WHERE tenant = $5 AND (at, seq) < ($1, $2) AND at >= $3
ORDER BY at DESC, seq DESC
LIMIT $4
