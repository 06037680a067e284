-- REPLACE gives a key that is taken over a new row id: retention reads them in order of age.
-- ?1 rows {tenant, type, key, event, created_at, content}.
-- (PostgreSQL: locked first: another node may hold the key of a transaction that is open.)
INSERT OR REPLACE INTO ringback_idempotency (tenant, type, key, event_id, created_at, content)
SELECT value ->> 'tenant',
       value ->> 'type',
       value ->> 'key',
       unhex(value ->> 'event'),
       value ->> 'created_at',
       unhex(value ->> 'content')
FROM jsonb_each(?1)
