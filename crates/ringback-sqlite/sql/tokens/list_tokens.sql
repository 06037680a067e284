-- All tokens, newest first.
SELECT {part.token_columns}
FROM ringback_token
ORDER BY id DESC
