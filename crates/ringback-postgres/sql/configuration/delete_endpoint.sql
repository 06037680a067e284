-- Marks an endpoint as deleted: old deliveries still name it.
-- (SQLite: set_endpoint_version sets the version, load_endpoints reads the row.)
UPDATE {schema}.endpoint
SET version = $2, deleted_at = {schema}.clock(), updated_at = {schema}.clock()
WHERE id = $1
RETURNING {part.endpoint_columns}
