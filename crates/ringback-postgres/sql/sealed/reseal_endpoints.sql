-- Replaces credentials that have not changed since they were read. Versions stay, since no endpoint changes.
-- (SQLite: row by row, as a statement is no round trip there.)
UPDATE {schema}.endpoint e
SET credentials = resealed.after
FROM unnest($1::uuid[], $2::bytea[], $3::bytea[]) AS resealed (id, before, after)
WHERE e.id = resealed.id AND e.credentials = resealed.before
