-- Events without their payloads.
SELECT id, seq, tenant, type, key, ordering_key, idempotency_key, occurred_at, endpoint_keys::text AS endpoint_keys,
       destination, test, payload_bytes, expunged_at
FROM {schema}.event
JOIN unnest($1::uuid[]) AS wanted (id) USING (id)
