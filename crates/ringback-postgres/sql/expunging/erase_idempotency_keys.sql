-- Removes these idempotency keys where they still stand for these events. Locked in the order in which keys are taken.
-- (SQLite: row by row; one writer needs no locks.)
WITH {part.locked_keys}
DELETE FROM {schema}.idempotency held
USING locked
WHERE held.tenant = locked.tenant AND held.type = locked.type AND held.key = locked.key
