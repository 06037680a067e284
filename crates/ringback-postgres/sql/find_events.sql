-- Events with a key ($4), newest first. $1 <= id < $2, at most $3; $5 tenant, $6 type.
SELECT id, seq, tenant, type, key, ordering_key, idempotency_key, occurred_at, endpoint_keys::text AS endpoint_keys,
       destination, test, payload_bytes, expunged_at
FROM {schema}.event
WHERE key = $4 AND id >= $1 AND id < $2
  AND ($5::text IS NULL OR tenant = $5)
  AND ($6::text IS NULL OR type = $6)
ORDER BY id DESC
LIMIT $3
