-- Replaces a value that still is what it was.
UPDATE {schema}.setting SET value = $3 WHERE name = $1 AND value = $2
