-- Takes idempotency keys for events, in the order given (sorted by the caller: two nodes cannot deadlock).
-- Returns those taken; a key that an event still holds within the window stays with it, its row locked.
INSERT INTO {schema}.idempotency AS held (tenant, type, key, event_id, created_at, content)
SELECT tenant, type, key, event_id, {schema}.accepted_at(event_id), content
FROM unnest($1::text[], $2::text[], $3::text[], $4::uuid[], $5::bytea[])
     WITH ORDINALITY AS given (tenant, type, key, event_id, content, position)
ORDER BY position
ON CONFLICT (tenant, type, key) DO UPDATE
SET event_id = excluded.event_id, created_at = excluded.created_at, content = excluded.content
WHERE held.created_at <= excluded.created_at - $6::bigint
RETURNING event_id
