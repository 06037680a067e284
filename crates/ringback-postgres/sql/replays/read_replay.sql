-- A replay with its counts.
SELECT {part.replay_columns}
FROM {schema}.replay r
WHERE r.id = $1
