-- Dead letters by destination, type, cause and last answer: the $6 groups with the newest deaths, and how many groups
-- there are. $1 <= died_at < $2; $3 tenant, $4 type, $5 endpoint, $7 reason. A time of death has sixteen digits, so that
-- texts sort as the times do: the greatest one also tells which dead letter is the newest. (SQLite: ids in hexadecimal,
-- and a JOIN by the event's number.)
SELECT d.lane, d.endpoint_id, e.tenant, e.type, d.reason, d.last_status, d.last_error, d.detail,
       count(*) AS count,
       min(d.died_at) AS first_died_at,
       max(d.died_at) AS last_died_at,
       right(max((d.died_at::text || d.id::text) COLLATE "C"), 36)::uuid AS example,
       count(*) OVER () AS groups
FROM {schema}.dead_letter d
{part.event_of_delivery}
WHERE d.died_at >= $1
  AND d.died_at < $2
  AND ($3::text IS NULL OR e.tenant = $3)
  AND ($4::text IS NULL OR e.type = $4)
  AND ($5::uuid IS NULL OR d.endpoint_id = $5)
  AND ($7::smallint IS NULL OR d.reason = $7)
GROUP BY d.lane, d.endpoint_id, e.tenant, e.type, d.reason, d.last_status, d.last_error, d.detail
ORDER BY last_died_at DESC, example DESC
LIMIT $6
