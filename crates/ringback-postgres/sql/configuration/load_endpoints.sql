-- These endpoints, deleted ones included.
SELECT {part.endpoint_columns}
FROM {schema}.endpoint
WHERE id = ANY ($1::uuid[])
ORDER BY id DESC
