-- Removes figures beyond their retention. (SQLite: the time is an argument.)
DELETE FROM {schema}.figure f
USING (
    SELECT tenant, endpoint_id, at FROM {schema}.figure WHERE at < (SELECT {schema}.clock()) - $1::bigint ORDER BY at LIMIT $2
) old
WHERE f.tenant = old.tenant AND f.endpoint_id = old.endpoint_id AND f.at = old.at
