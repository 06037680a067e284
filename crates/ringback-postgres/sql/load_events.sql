-- Events with their payloads. Joined to the ids, each is looked up in its own partition alone.
SELECT id, seq, tenant, type, key, ordering_key, idempotency_key, occurred_at, endpoint_keys::text AS endpoint_keys,
       destination, test, payload
FROM {schema}.event
JOIN unnest($1::uuid[]) AS wanted (id) USING (id)
