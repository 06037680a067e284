-- One link, if it is valid now. (SQLite: the time is an argument.)
SELECT {part.link_columns}
FROM {schema}.link
WHERE id = $1 AND revoked_at IS NULL AND expires_at > (SELECT {schema}.clock())
