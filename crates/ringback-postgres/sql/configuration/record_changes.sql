-- Logs changes for every node to follow.
INSERT INTO {schema}.change (version, subject, kind, at)
SELECT version, subject, kind, {schema}.clock()
FROM unnest($1::bigint[], $2::uuid[], $3::smallint[]) AS given (version, subject, kind)
