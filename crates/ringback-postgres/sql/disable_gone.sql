-- Disables an endpoint that answered 410.
UPDATE {schema}.endpoint
SET enabled = false, disabled_reason = 'gone', version = $2, updated_at = {schema}.clock()
WHERE id = $1 AND enabled AND deleted_at IS NULL
