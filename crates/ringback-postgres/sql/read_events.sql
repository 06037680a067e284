-- Events without their payloads.
SELECT id, seq, tenant, type, key, ordering_key, idempotency_key, occurred_at, endpoint_keys::text AS endpoint_keys,
       destination, test, payload_bytes, expunged_at
FROM unnest($1::uuid[]) AS wanted (wanted_id)
CROSS JOIN LATERAL (SELECT * FROM {schema}.event WHERE event.id = wanted.wanted_id LIMIT 1) e
