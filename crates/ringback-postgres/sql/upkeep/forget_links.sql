-- Removes links that were revoked or have expired longer ago than events are kept. (SQLite: the times are arguments.)
DELETE FROM {schema}.link
WHERE id IN (
    SELECT id FROM {schema}.link
    WHERE least(revoked_at, expires_at) < (SELECT {schema}.clock()) - $1::bigint
    LIMIT $2
)
