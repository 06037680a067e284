-- ?1 the event, ?2 now.
UPDATE ringback_event
SET payload = NULL, expunged_at = ?2
WHERE id = ?1
