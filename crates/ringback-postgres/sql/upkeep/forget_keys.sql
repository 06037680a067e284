-- Removes idempotency keys whose window has passed. (SQLite: of the oldest rows by number, which is the order of age.)
DELETE FROM {schema}.idempotency i
USING (
    SELECT tenant, type, key FROM {schema}.idempotency
    WHERE created_at < (SELECT {schema}.clock()) - $1::bigint
    ORDER BY created_at
    LIMIT $2
    FOR UPDATE SKIP LOCKED
) old
WHERE i.tenant = old.tenant AND i.type = old.type AND i.key = old.key
