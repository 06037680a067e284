-- Removes a key that the event still holds. ?1 tenant, ?2 type, ?3 key, ?4 the event.
-- (PostgreSQL: many at once, locked in order first.)
DELETE FROM ringback_idempotency
WHERE tenant = ?1
  AND type = ?2
  AND key = ?3
  AND event_id = ?4
