-- The minutes of a tenant ($1) and endpoint ($2) that begin in $3 <= t < $4, in order, at most $5.
-- (SQLite: objects are texts already.)
SELECT at, delivered, failed, first_attempts, dead, errors::text AS errors, durations::text AS durations
FROM {schema}.figure
WHERE tenant = $1 AND endpoint_id = $2 AND at >= $3 AND at < $4
ORDER BY at
LIMIT $5
