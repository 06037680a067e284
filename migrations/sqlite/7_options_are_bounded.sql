-- What callers insert beside the payload is bounded, as PostgreSQL's `emit` bounds its options.
DROP TRIGGER ringback_emit_event;

CREATE TRIGGER ringback_emit_event INSTEAD OF INSERT ON ringback_emit
BEGIN
    SELECT RAISE(ABORT, 'ringback: endpoint_keys has too many bytes; at most 262144 are allowed')
    WHERE octet_length(NEW.endpoint_keys) > 262144;
    SELECT RAISE(ABORT, 'ringback: endpoint_keys must be a JSON array of at most 1000 strings')
    WHERE NEW.endpoint_keys IS NOT NULL
      AND CASE
              WHEN NOT json_valid(NEW.endpoint_keys) THEN true
              WHEN json_type(NEW.endpoint_keys) <> 'array' THEN true
              ELSE json_array_length(NEW.endpoint_keys) > 1000
          END;
    SELECT RAISE(ABORT, 'ringback: destination must be a JSON object of at most 262144 bytes')
    WHERE NEW.destination IS NOT NULL
      AND CASE
              WHEN octet_length(NEW.destination) > 262144 THEN true
              WHEN NOT json_valid(NEW.destination) THEN true
              ELSE json_type(NEW.destination) <> 'object'
          END;
    INSERT INTO ringback_event (id, tenant, type, key, ordering_key, idempotency_key, occurred_at, endpoint_keys,
                                destination, payload_bytes, payload)
    VALUES (NEW.id, NEW.tenant, NEW.type, NEW.key, NEW.ordering_key, NEW.idempotency_key, NEW.occurred_at,
            NEW.endpoint_keys, NEW.destination, length(NEW.payload), NEW.payload);
    INSERT INTO ringback_outbox (seq, event_id) VALUES (last_insert_rowid(), NEW.id);
END;
