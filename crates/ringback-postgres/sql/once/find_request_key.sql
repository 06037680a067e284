-- The object that a request under this key has created.
-- (SQLite: an old one counts as none here, since nothing was locked before.)
SELECT object, content FROM {schema}.request_key WHERE binding = $1 AND tenant = $2 AND route = $3 AND key = $4
