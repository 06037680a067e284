-- The minutes of a tenant (?1) and endpoint (?2) that begin in ?3 <= t < ?4, in order, at most ?5.
-- (PostgreSQL: objects are made texts.)
SELECT at, delivered, failed, first_attempts, dead, errors, durations
FROM ringback_figure
WHERE tenant = ?1 AND endpoint_id = ?2 AND at >= ?3 AND at < ?4
ORDER BY at
LIMIT ?5
