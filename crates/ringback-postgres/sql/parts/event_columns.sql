-- An event, without its payload and its recipients, as `rows::event` reads it.
id, seq, tenant, type, key, ordering_key, idempotency_key, occurred_at, NULL::text AS endpoint_keys,
       destination, trace, test, deliver_after, expires_at, metadata
