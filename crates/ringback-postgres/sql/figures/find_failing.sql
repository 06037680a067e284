-- Endpoints whose newest attempts failed, the last of them at or after $1: those that fail longest, at most $2.
-- (SQLite: the same.)
SELECT endpoint_id
FROM {schema}.pulse
WHERE failing_since IS NOT NULL AND last_failure_at >= $1
ORDER BY failing_since
LIMIT $2
