-- The same as erase_events, for the copies of events that upkeep is moving. (SQLite: events are never moved.)
UPDATE {schema}.moving_event m
SET payload = NULL, metadata = NULL, expunged_at = e.expunged_at, destination = e.destination, key = e.key,
    ordering_key = e.ordering_key, idempotency_key = e.idempotency_key
FROM {schema}.event e
WHERE m.id = ANY ($1::uuid[]) AND e.id = m.id AND e.id = ANY ($1::uuid[])
