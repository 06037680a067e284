-- Removes the content digest of a key: a short payload could be guessed from it. ?1 tenant, ?2 type, ?3 key, ?4 the
-- event. (PostgreSQL: many at once, locked in order first.)
UPDATE ringback_idempotency
SET content = NULL
WHERE tenant = ?1
  AND type = ?2
  AND key = ?3
  AND event_id = ?4
