-- Gives idempotency keys, which were locked before, to other events. (SQLite: reserve_keys takes over.)
UPDATE {schema}.idempotency held
SET event_id = given.event_id, created_at = {schema}.accepted_at(given.event_id), content = given.content
FROM unnest($1::text[], $2::text[], $3::text[], $4::uuid[], $5::bytea[])
     AS given (tenant, type, key, event_id, content)
WHERE held.tenant = given.tenant AND held.type = given.type AND held.key = given.key
