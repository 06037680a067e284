-- Accepts an event in the connection's transaction: the function that every language calls.
-- (SQLite: an insert into a view, whose trigger writes both rows, as there are no functions.)
SELECT {schema}.emit_bytes($1::text, $2::bytea, $3::text::jsonb)
