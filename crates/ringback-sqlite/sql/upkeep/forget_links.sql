-- At most ?2 of those that were revoked or have expired before ?1. (PostgreSQL: by the database's clock.)
DELETE FROM ringback_link
WHERE id IN (
    SELECT id
    FROM ringback_link
    WHERE revoked_at < ?1
       OR expires_at < ?1
    LIMIT ?2
)
