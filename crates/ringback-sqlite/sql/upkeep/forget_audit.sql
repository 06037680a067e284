-- Of the ?2 oldest, those from before ?1. (PostgreSQL: by time, over an index.)
DELETE FROM ringback_audit
WHERE seq IN (
    SELECT seq
    FROM (SELECT seq, at FROM ringback_audit ORDER BY seq LIMIT ?2)
    WHERE at < ?1
)
