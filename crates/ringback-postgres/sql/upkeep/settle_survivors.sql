-- Erases the copies of events that were expunged after they were copied. (SQLite: no partitions.)
UPDATE {schema}.moving_event m
SET payload = NULL, expunged_at = e.expunged_at, destination = e.destination, key = e.key,
    ordering_key = e.ordering_key, idempotency_key = e.idempotency_key
FROM {schema}.event e
WHERE e.id = m.id AND e.id < $1 AND e.expunged_at IS NOT NULL
  AND (m.expunged_at IS NULL
       OR (m.key, m.ordering_key, m.idempotency_key, m.destination)
          IS DISTINCT FROM (e.key, e.ordering_key, e.idempotency_key, e.destination))
