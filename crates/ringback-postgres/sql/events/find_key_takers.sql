-- The events that took the idempotency key $1; $2 tenant. The key stands last in the index, so each pair of tenant and type
-- is a step of its own: at most $3 of them. (SQLite: without the time, which is this process's.)
WITH RECURSIVE named AS (
    (SELECT tenant, type, 1::bigint AS nth
     FROM {schema}.idempotency
     WHERE tenant >= coalesce($2::text, '')
     ORDER BY tenant, type
     LIMIT 1)
    UNION ALL
    SELECT next.tenant, next.type, named.nth + 1
    FROM named
    CROSS JOIN LATERAL (
        SELECT i.tenant, i.type
        FROM {schema}.idempotency i
        WHERE (i.tenant, i.type) > (named.tenant, named.type)
        ORDER BY i.tenant, i.type
        LIMIT 1
    ) next
    WHERE named.nth < $3
      AND ($2::text IS NULL OR named.tenant = $2)
)
SELECT held.event_id, (SELECT {schema}.clock()) AS now
FROM named
CROSS JOIN LATERAL (
    SELECT i.event_id
    FROM {schema}.idempotency i
    WHERE i.tenant = named.tenant
      AND i.type = named.type
      AND i.key = $1
    LIMIT 1
) held
WHERE ($2::text IS NULL OR named.tenant = $2)
