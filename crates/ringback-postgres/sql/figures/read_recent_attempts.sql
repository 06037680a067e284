-- An endpoint's attempts since a moment, newest first. $1 the endpoint, $2 its lane, $3 since, $4 the most attempts,
-- and the most deliveries of each kind that they are looked for at.
-- (SQLite: a part of a union has an order and a limit only as a subquery.)
WITH newest AS MATERIALIZED (
    (SELECT id FROM {schema}.finished WHERE endpoint_id = $1 ORDER BY id DESC LIMIT $4)
    UNION
    (SELECT id FROM {schema}.dead_letter WHERE endpoint_id = $1 AND died_at >= $3 ORDER BY died_at DESC, id DESC LIMIT $4)
    UNION
    (SELECT id FROM {schema}.delivery WHERE lane = $2 ORDER BY due_at DESC, id DESC LIMIT $4)
)
SELECT conclusion, duration
FROM (
    SELECT f.at, {conclusion.delivered}::smallint AS conclusion, f.duration
    FROM newest
    JOIN {schema}.finished f ON f.id = newest.id
    WHERE f.status = {finished.delivered} AND f.at >= $3
    UNION ALL
    SELECT a.at, a.conclusion, a.duration
    FROM newest
    JOIN {schema}.attempt a ON a.delivery_id = newest.id
    WHERE a.at >= $3 AND a.conclusion <> {conclusion.stale}
) attempts
ORDER BY at DESC
LIMIT $4
