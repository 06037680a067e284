-- Revokes a token, unless it is revoked already. (SQLite: the time is an argument.)
UPDATE {schema}.token SET revoked_at = {schema}.clock() WHERE id = $1 AND revoked_at IS NULL
