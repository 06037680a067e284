-- Sealed credentials of endpoints after an id, deleted ones included.
SELECT id, credentials FROM {schema}.endpoint WHERE id > $1 ORDER BY id LIMIT $2
