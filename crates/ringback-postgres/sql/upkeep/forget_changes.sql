-- Removes the oldest changes once they are older than a moment that every node has long seen, and remembers up to
-- where: a node that asks for older ones loads everything again. (SQLite: drop_changes removes them, this notes it.)
WITH gone AS (
    DELETE FROM {schema}.change
    USING (SELECT version, at FROM {schema}.change ORDER BY version LIMIT $2) first
    WHERE change.version = first.version AND first.at < (SELECT {schema}.clock()) - $1::bigint
    RETURNING change.version
)
UPDATE {schema}.config
SET forgotten = greatest(forgotten, last.version)
FROM (SELECT max(version) AS version, count(*) AS count FROM gone) last
WHERE last.count > 0
RETURNING last.count
