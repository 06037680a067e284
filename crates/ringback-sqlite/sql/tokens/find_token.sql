-- One token, whatever has become of it.
SELECT {part.token_columns}
FROM ringback_token
WHERE id = ?1
