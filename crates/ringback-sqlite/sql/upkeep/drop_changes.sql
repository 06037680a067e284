-- Of the ?2 oldest, those from before ?1. (PostgreSQL: in forget_changes.)
DELETE FROM ringback_change
WHERE version IN (
    SELECT version
    FROM (SELECT version, at FROM ringback_change ORDER BY version LIMIT ?2)
    WHERE at < ?1
)
