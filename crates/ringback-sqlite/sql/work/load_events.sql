-- ?1 ids. (PostgreSQL: the columns that all reads of events have.)
SELECT e.id AS event_id,
       e.seq,
       e.tenant,
       e.type,
       e.key,
       e.ordering_key,
       e.idempotency_key,
       e.occurred_at,
       NULL AS endpoint_keys,
       e.destination,
       e.trace,
       e.deliver_after,
       e.expires_at,
       e.metadata,
       e.test,
       e.payload
FROM json_each(?1) AS wanted
CROSS JOIN ringback_event AS e ON e.id = unhex(wanted.value)
