-- Locks idempotency keys in the given order, which the caller has sorted, so that two nodes cannot deadlock. A key that
-- no event holds is taken at once, and returned; the row of a key that is held is locked and stays as it is. (SQLite:
-- taken over whoever holds them, since find_keys has looked under the writer's lock.)
INSERT INTO {schema}.idempotency AS held (tenant, type, key, event_id, created_at, content)
SELECT tenant, type, key, event_id, {schema}.accepted_at(event_id), content
FROM unnest($1::text[], $2::text[], $3::text[], $4::uuid[], $5::bytea[])
     WITH ORDINALITY AS given (tenant, type, key, event_id, content, position)
ORDER BY position
ON CONFLICT (tenant, type, key) DO UPDATE
SET event_id = held.event_id
WHERE false
RETURNING event_id
