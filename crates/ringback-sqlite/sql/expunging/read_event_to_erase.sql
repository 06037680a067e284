-- ?1 the event. (PostgreSQL: lock_events_to_erase.)
SELECT seq,
       tenant,
       type,
       idempotency_key,
       destination,
       payload_bytes,
       payload IS NOT NULL AS has_payload,
       expunged_at IS NOT NULL AS expunged,
       key IS NOT NULL OR ordering_key IS NOT NULL OR idempotency_key IS NOT NULL AS has_keys
FROM ringback_event
WHERE id = ?1
