-- Removes the content digests of these idempotency keys: a short payload could be guessed from its digest.
-- Locked in the order in which keys are taken. (SQLite: row by row; one writer needs no locks.)
WITH {part.locked_keys}
UPDATE {schema}.idempotency held
SET content = NULL
FROM locked
WHERE held.tenant = locked.tenant AND held.type = locked.type AND held.key = locked.key AND held.content IS NOT NULL
