-- All endpoints that are not deleted.
SELECT {part.endpoint_columns}
FROM {schema}.endpoint
WHERE deleted_at IS NULL
ORDER BY id DESC
