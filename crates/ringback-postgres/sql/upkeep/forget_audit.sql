-- Removes the oldest rows of the audit log, if they are older than events are kept.
-- (SQLite: of the oldest rows by number, as there is no index by time alone.)
DELETE FROM {schema}.audit a
USING (
    SELECT seq FROM {schema}.audit
    WHERE at < (SELECT {schema}.clock()) - $1::bigint
    ORDER BY at, seq
    LIMIT $2
) old
WHERE a.seq = old.seq
