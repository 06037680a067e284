-- The value under a name.
SELECT value FROM {schema}.setting WHERE name = $1
