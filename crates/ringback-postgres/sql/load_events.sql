-- Events with their payloads. The ids are an array, so the planner sees which partitions they are in.
SELECT id, seq, tenant, type, key, ordering_key, idempotency_key, occurred_at, endpoint_keys::text AS endpoint_keys,
       destination, test, payload
FROM {schema}.event
WHERE id = ANY ($1::uuid[])
