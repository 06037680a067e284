-- An event `e`, without its payload.
e.id AS event_id,
       e.seq AS seq,
       e.tenant,
       e.type,
       e.key,
       e.ordering_key,
       e.idempotency_key,
       e.occurred_at
