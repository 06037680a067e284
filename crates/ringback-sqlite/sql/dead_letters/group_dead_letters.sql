-- Dead letters by destination, type, cause and last answer: the ?6 groups with the newest deaths, and how many groups
-- there are. ?1 <= died_at < ?2; ?3 tenant, ?4 type, ?5 endpoint, ?7 reason. A time of death has sixteen digits, so that
-- texts sort as the times do: the greatest one also tells which dead letter is the newest. (PostgreSQL: the newest is
-- looked up after grouping.)
SELECT d.lane, d.endpoint_id, d.tenant, d.type, d.reason, d.last_status, d.last_error, d.detail,
       count(*) AS count,
       min(d.died_at) AS first_died_at,
       max(d.died_at) AS last_died_at,
       substr(max(d.died_at || hex(d.id)), -32) AS example,
       count(*) OVER () AS groups
FROM ringback_dead_letter AS d
WHERE d.died_at >= ?1
  AND d.died_at < ?2
  AND d.tenant IS NOT NULL
  AND (?3 IS NULL OR d.tenant = ?3)
  AND (?4 IS NULL OR d.type = ?4)
  AND (?5 IS NULL OR d.endpoint_id = ?5)
  AND (?7 IS NULL OR d.reason = ?7)
GROUP BY d.lane, d.endpoint_id, d.tenant, d.type, d.reason, d.last_status, d.last_error, d.detail
ORDER BY last_died_at DESC, example DESC
LIMIT ?6
