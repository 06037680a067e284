-- One token, whatever has become of it.
SELECT {part.token_columns}
FROM {schema}.token
WHERE id = $1
