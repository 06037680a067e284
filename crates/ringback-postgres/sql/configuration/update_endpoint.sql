-- Replaces a locked endpoint, except columns that never change. `updated_at` is by the database's clock, because the
-- time since which it is paused decides which deliveries expire. (SQLite: set_endpoint_version sets the version,
-- load_endpoints reads the row; the time is an argument.)
UPDATE {schema}.endpoint
SET key = $2, event_types = $3::text::jsonb, enabled = $4, disabled_reason = $5, paused = $6, spec = $7,
    credentials = $8, version = $9, updated_at = {schema}.clock()
WHERE id = $1
RETURNING {part.endpoint_columns}
