-- These events, locked, and what there is of them to erase. In the order of their ids: no two callers wait for each other.
SELECT id, tenant, type, idempotency_key, destination, payload_bytes, payload IS NOT NULL AS has_payload,
       expunged_at IS NOT NULL AS expunged,
       key IS NOT NULL OR ordering_key IS NOT NULL OR idempotency_key IS NOT NULL AS has_keys
FROM {schema}.event
WHERE id = ANY ($1::uuid[])
ORDER BY id
FOR UPDATE
