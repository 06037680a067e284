-- At most $2 deliveries of shards $1 that expired before an attempt was recorded, each with its event's tenant. A read: a
-- request of one of them may be open. (SQLite: the same.)
SELECT {part.due_columns}, e.tenant
FROM unnest($1::smallint[]) AS owned (shard)
CROSS JOIN LATERAL (
    SELECT d.*
    FROM {schema}.delivery d
    WHERE d.shard = owned.shard AND d.attempts = 0 AND d.expires_at <= (SELECT {schema}.clock())
    ORDER BY d.expires_at
    LIMIT $2
) d
CROSS JOIN LATERAL (SELECT tenant FROM {schema}.event WHERE event.id = {schema}.event_of(d.id) LIMIT 1) e
LIMIT $2
