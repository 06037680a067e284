-- Replays, newest first, at most $6. $1 tenant, $2 state, $3 <= created_at < $4, id < $5.
SELECT {part.replay_columns}
FROM {schema}.replay r
WHERE ($1::text IS NULL OR r.tenant = $1)
  AND ($2::smallint IS NULL OR r.state = $2)
  AND r.created_at >= $3 AND r.created_at < $4
  AND r.id < $5
ORDER BY r.id DESC
LIMIT $6
