-- These events, locked, with what there is to erase. In the order of their ids, so that no two callers deadlock.
-- (SQLite: read_event_to_erase.)
SELECT id, tenant, type, idempotency_key, destination, payload_bytes, payload IS NOT NULL AS has_payload,
       expunged_at IS NOT NULL AS expunged,
       key IS NOT NULL OR ordering_key IS NOT NULL OR idempotency_key IS NOT NULL AS has_keys
FROM {schema}.event
WHERE id = ANY ($1::uuid[])
ORDER BY id
FOR UPDATE
