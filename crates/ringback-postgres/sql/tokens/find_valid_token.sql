-- One token, if it is valid now. (SQLite: the time is an argument.)
SELECT {part.token_columns}
FROM {schema}.token
WHERE id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > (SELECT {schema}.clock()))
