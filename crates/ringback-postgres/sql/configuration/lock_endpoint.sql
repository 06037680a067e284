-- An endpoint that is about to change. (SQLite: load_endpoints, as there is one writer at a time.)
SELECT {part.endpoint_columns}
FROM {schema}.endpoint
WHERE id = $1 AND deleted_at IS NULL
FOR UPDATE
