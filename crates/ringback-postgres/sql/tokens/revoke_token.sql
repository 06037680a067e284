-- Makes a token worthless, unless it is already.
UPDATE {schema}.token SET revoked_at = {schema}.clock() WHERE id = $1 AND revoked_at IS NULL
