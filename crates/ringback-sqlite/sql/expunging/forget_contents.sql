-- The digest of what an event held: a short payload could be guessed from its own. ?1 tenant, ?2 type, ?3 key, ?4 the event.
UPDATE ringback_idempotency
SET content = NULL
WHERE tenant = ?1
  AND type = ?2
  AND key = ?3
  AND event_id = ?4
