-- Replaces what may change of a locked endpoint. When it changed is this clock's to say: since when it is paused decides what
-- expires.
UPDATE {schema}.endpoint
SET key = $2, event_types = $3::text::jsonb, enabled = $4, disabled_reason = $5, paused = $6, spec = $7,
    credentials = $8, version = $9, updated_at = {schema}.clock()
WHERE id = $1
RETURNING {part.endpoint_columns}
