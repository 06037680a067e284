-- Events with a key, newest first.
SELECT id, seq, tenant, type, key, ordering_key, idempotency_key, occurred_at, endpoint_keys::text AS endpoint_keys,
       destination, test, payload_bytes, expunged_at
FROM {schema}.event
WHERE key = $4 AND id >= $1 AND id < $2
ORDER BY id DESC
LIMIT $3
