-- ?1 the floor, ?2 how many.
SELECT o.seq,
       e.id AS event_id,
       e.tenant,
       e.type,
       e.key,
       e.ordering_key,
       e.idempotency_key,
       e.occurred_at,
       e.endpoint_keys,
       e.destination,
       e.test
FROM ringback_outbox AS o
CROSS JOIN ringback_event AS e ON e.seq = o.seq
WHERE o.seq >= ?1
ORDER BY o.seq
LIMIT ?2
