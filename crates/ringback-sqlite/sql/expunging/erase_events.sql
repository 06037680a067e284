-- ?1 the event's seq, ?2 now, ?3 what is left of its destination, ?4 whether its keys are erased, too.
-- (PostgreSQL: many at once; the time is the database's.)
UPDATE ringback_event
SET payload = NULL,
    metadata = NULL,
    expunged_at = coalesce(expunged_at, ?2),
    destination = ?3,
    key = iif(?4, NULL, key),
    ordering_key = iif(?4, NULL, ordering_key),
    idempotency_key = iif(?4, NULL, idempotency_key)
WHERE seq = ?1
