-- Accepts an event in the connection's transaction: the function that every language calls.
SELECT {schema}.emit_bytes($1::text, $2::bytea, $3::text::jsonb)
