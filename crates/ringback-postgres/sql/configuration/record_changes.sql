-- Logs changes for every node to follow. (SQLite: a statement for each change; the time is an argument.)
INSERT INTO {schema}.change (version, subject, kind, at)
SELECT version, subject, kind, {schema}.clock()
FROM unnest($1::bigint[], $2::uuid[], $3::smallint[]) AS given (version, subject, kind)
