-- A page of endpoints, newest first.
-- (SQLite: the tenant's condition is put in only where there is one, so that an index finds its rows.)
SELECT {part.endpoint_columns}
FROM {schema}.endpoint
WHERE deleted_at IS NULL AND ($1::text IS NULL OR tenant = $1) AND ($2::uuid IS NULL OR id < $2)
ORDER BY id DESC
LIMIT $3
