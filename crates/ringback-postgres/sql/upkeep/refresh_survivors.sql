-- Updates copies that an earlier try has made from their events, which may have been removed or expunged, or have lost
-- their payloads since. Only under the lock that keeps others from copying and removing events. (SQLite: no
-- partitions.)
WITH removed AS (
    DELETE FROM {schema}.moving_event m
    WHERE NOT EXISTS (SELECT FROM {schema}.event e WHERE e.id = m.id AND e.id < $1)
)
UPDATE {schema}.moving_event m
SET payload = e.payload, payload_expired = e.payload_expired, expunged_at = e.expunged_at, destination = e.destination,
    key = e.key, ordering_key = e.ordering_key, idempotency_key = e.idempotency_key
FROM {schema}.event e
WHERE e.id = m.id AND e.id < $1
  AND (m.payload IS NULL, m.payload_expired, m.expunged_at, m.destination, m.key, m.ordering_key, m.idempotency_key)
      IS DISTINCT FROM
      (e.payload IS NULL, e.payload_expired, e.expunged_at, e.destination, e.key, e.ordering_key, e.idempotency_key)
