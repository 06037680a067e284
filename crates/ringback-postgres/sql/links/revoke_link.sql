-- Revokes a link, unless it is revoked already. (SQLite: the time is an argument.)
UPDATE {schema}.link SET revoked_at = {schema}.clock() WHERE id = $1 AND revoked_at IS NULL
