-- ?1 the event.
SELECT payload, expunged_at IS NOT NULL AS expunged
FROM ringback_event
WHERE id = ?1
