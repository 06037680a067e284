-- The live endpoint of a tenant with a key.
SELECT {part.endpoint_columns}
FROM {schema}.endpoint
WHERE tenant = $1 AND key = $2 AND deleted_at IS NULL
