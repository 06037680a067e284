-- Replaces a value that has not changed since it was read.
UPDATE {schema}.setting SET value = $3 WHERE name = $1 AND value = $2
