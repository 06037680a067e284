-- Stores events without the outbox: whoever calls this routes them in the same transaction.
INSERT INTO {schema}.event
    (id, tenant, type, key, ordering_key, idempotency_key, occurred_at, endpoint_keys, destination, test,
     payload, payload_bytes)
SELECT id, tenant, type, key, ordering_key, idempotency_key, occurred_at, endpoint_keys::jsonb, destination, test,
       payload, octet_length(payload)
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::text[],
            $9::text[], $10::boolean[], $11::bytea[])
     WITH ORDINALITY AS given (id, tenant, type, key, ordering_key, idempotency_key, occurred_at, endpoint_keys,
                               destination, test, payload, position)
ORDER BY position
RETURNING id, seq
