-- Gives back the keys that events of a refused group had taken in this transaction.
DELETE FROM {schema}.idempotency held
USING unnest($1::text[], $2::text[], $3::text[], $4::uuid[]) AS given (tenant, type, key, event_id)
WHERE held.tenant = given.tenant AND held.type = given.type AND held.key = given.key
  AND held.event_id = given.event_id
