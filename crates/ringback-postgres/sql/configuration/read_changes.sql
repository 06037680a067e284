-- Changes after a version, in order, with the version and the log's reach of the same snapshot.
-- (SQLite: read_config reads the version in the same read transaction.)
SELECT config.version AS current, $1 < config.forgotten AS truncated, entry.*
FROM {schema}.config
LEFT JOIN LATERAL (
    SELECT version, kind, subject
    FROM {schema}.change
    WHERE change.version > $1 AND $1 >= config.forgotten
    ORDER BY change.version
    LIMIT $2
) entry ON true
