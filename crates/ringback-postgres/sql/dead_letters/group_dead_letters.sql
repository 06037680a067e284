-- Dead letters by destination, type, cause and last answer: the $6 groups with the newest deaths, and how many groups
-- there are. $1 <= died_at < $2; $3 tenant, $4 type, $5 endpoint, $7 reason. The newest dead letter of each group is
-- looked up only for the groups that are shown, by an index on times of death: to carry it through the grouping of a
-- million takes twice as long. (SQLite: it is carried along as a text, in which a time stands before an id.)
WITH grouped AS MATERIALIZED (
    SELECT d.lane, d.endpoint_id, d.tenant, d.type, d.reason, d.last_status, d.last_error, d.detail,
           count(*) AS count,
           min(d.died_at) AS first_died_at,
           max(d.died_at) AS last_died_at,
           count(*) OVER () AS groups
    FROM {schema}.dead_letter d
    WHERE d.died_at >= $1
      AND d.died_at < $2
      AND d.tenant IS NOT NULL
      AND ($3::text IS NULL OR d.tenant = $3)
      AND ($4::text IS NULL OR d.type = $4)
      AND ($5::uuid IS NULL OR d.endpoint_id = $5)
      AND ($7::smallint IS NULL OR d.reason = $7)
    GROUP BY d.lane, d.endpoint_id, d.tenant, d.type, d.reason, d.last_status, d.last_error, d.detail
    ORDER BY last_died_at DESC
    LIMIT $6
)
SELECT g.*, newest.id AS example
FROM grouped g
CROSS JOIN LATERAL (
    SELECT d.id
    FROM {schema}.dead_letter d
    WHERE d.died_at = g.last_died_at AND d.tenant = g.tenant AND d.type = g.type
      AND d.lane = g.lane AND d.endpoint_id IS NOT DISTINCT FROM g.endpoint_id
      AND d.reason = g.reason AND d.detail IS NOT DISTINCT FROM g.detail
      AND d.last_status IS NOT DISTINCT FROM g.last_status AND d.last_error IS NOT DISTINCT FROM g.last_error
    ORDER BY d.died_at DESC, d.id DESC
    LIMIT 1
) newest
ORDER BY g.last_died_at DESC, example DESC
