-- Expunging goes before everything, also while its event is being moved.
UPDATE {schema}.moving_event m
SET payload = NULL, expunged_at = e.expunged_at
FROM {schema}.event e
WHERE e.id = m.id AND e.id < $1 AND e.expunged_at IS NOT NULL AND m.expunged_at IS NULL
