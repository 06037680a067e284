-- The object that a request under this key has created.
SELECT object, content FROM {schema}.request_key WHERE binding = $1 AND tenant = $2 AND route = $3 AND key = $4
