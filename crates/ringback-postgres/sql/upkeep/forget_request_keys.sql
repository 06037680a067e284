-- Removes the keys of requests whose time has passed.
-- (SQLite: of the oldest rows by number, which is the order of age.)
DELETE FROM {schema}.request_key r
USING (
    SELECT binding, tenant, route, key FROM {schema}.request_key
    WHERE created_at < (SELECT {schema}.clock()) - $1::bigint
    ORDER BY created_at
    LIMIT $2
    FOR UPDATE SKIP LOCKED
) old
WHERE r.binding = old.binding AND r.tenant = old.tenant AND r.route = old.route AND r.key = old.key
