-- An endpoint that is about to change.
SELECT {part.endpoint_columns}
FROM {schema}.endpoint
WHERE id = $1 AND deleted_at IS NULL
FOR UPDATE
