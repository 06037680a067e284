-- Disables an endpoint for the reason $4, unless it has changed since version $3.
-- (SQLite: set_endpoint_version sets the version; the time is an argument.)
UPDATE {schema}.endpoint
SET enabled = false, disabled_reason = $4, version = $2, updated_at = {schema}.clock()
WHERE id = $1 AND version = $3 AND enabled AND deleted_at IS NULL
