-- ?1 rows {seq, id, tenant, type, key, ordering_key, idempotency_key, occurred_at, endpoint_keys, destination, trace,
-- deliver_after, expires_at, metadata, test, payload_at, payload_size}, ?2 the payloads one after the other. (PostgreSQL: accept_events.)
INSERT INTO ringback_event (seq, id, tenant, type, key, ordering_key, idempotency_key, occurred_at, endpoint_keys,
                            destination, trace, deliver_after, expires_at, metadata, test, payload_bytes, payload)
SELECT value ->> 'seq',
       unhex(value ->> 'id'),
       value ->> 'tenant',
       value ->> 'type',
       value ->> 'key',
       value ->> 'ordering_key',
       value ->> 'idempotency_key',
       value ->> 'occurred_at',
       value ->> 'endpoint_keys',
       value ->> 'destination',
       value ->> 'trace',
       value ->> 'deliver_after',
       value ->> 'expires_at',
       value ->> 'metadata',
       value ->> 'test',
       value ->> 'payload_size',
       substr(?2, value ->> 'payload_at', value ->> 'payload_size')
FROM jsonb_each(?1)
