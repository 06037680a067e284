-- Removes idempotency keys that this transaction took for events that are not stored.
-- (SQLite: keys are reserved only for events that are stored.)
DELETE FROM {schema}.idempotency held
USING unnest($1::text[], $2::text[], $3::text[]) AS given (tenant, type, key)
WHERE held.tenant = given.tenant AND held.type = given.type AND held.key = given.key
