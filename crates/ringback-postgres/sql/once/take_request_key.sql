-- Takes the key of a request that is to be carried out once; nothing is returned where an earlier request holds it,
-- whose row is then locked. One that is older than $7 is taken over. A second request at the same moment waits here for
-- the first to end. (SQLite: find_request_key has looked under the writer's lock.)
INSERT INTO {schema}.request_key AS held (binding, tenant, route, key, object, content, created_at)
VALUES ($1, $2, $3, $4, $5, $6, {schema}.clock())
ON CONFLICT (binding, tenant, route, key) DO UPDATE
SET object = excluded.object, content = excluded.content, created_at = excluded.created_at
WHERE held.created_at <= excluded.created_at - $7::bigint
RETURNING object
