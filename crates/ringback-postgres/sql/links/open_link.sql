-- A valid link becomes a session, unless it has become one already. (SQLite: the time is an argument.)
UPDATE {schema}.link
SET opened_at = now.at
FROM (SELECT {schema}.clock() AS at) now
WHERE id = $1 AND opened_at IS NULL AND revoked_at IS NULL AND expires_at > now.at
