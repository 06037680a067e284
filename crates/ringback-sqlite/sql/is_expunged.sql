-- ?1 the event.
SELECT expunged_at IS NOT NULL
FROM ringback_event
WHERE id = ?1
