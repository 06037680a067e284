-- An event, without its payload and whom it says it is for, as `rows::event` reads it.
id, seq, tenant, type, key, ordering_key, idempotency_key, occurred_at, NULL::text AS endpoint_keys,
       destination, test
