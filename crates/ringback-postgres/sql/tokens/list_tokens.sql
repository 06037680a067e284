-- All tokens, newest first.
SELECT {part.token_columns}
FROM {schema}.token
ORDER BY id DESC
