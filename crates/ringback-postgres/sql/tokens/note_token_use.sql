-- A token is being used; noted at most once in $2 microseconds. (SQLite: the times are arguments.)
UPDATE {schema}.token
SET last_used_at = now.at
FROM (SELECT {schema}.clock() AS at) now
WHERE id = $1 AND (last_used_at IS NULL OR last_used_at <= now.at - $2::bigint)
