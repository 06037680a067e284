-- These endpoints, deleted ones included. (SQLite: ids come as JSON.)
SELECT {part.endpoint_columns}
FROM {schema}.endpoint
WHERE id = ANY ($1::uuid[])
ORDER BY id DESC
