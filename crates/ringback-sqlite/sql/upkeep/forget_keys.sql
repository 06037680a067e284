-- Of the ?2 oldest, those from before ?1. (PostgreSQL: by time, over an index, and none that another node has locked.)
DELETE FROM ringback_idempotency
WHERE row IN (
    SELECT row
    FROM (SELECT row, created_at FROM ringback_idempotency ORDER BY row LIMIT ?2)
    WHERE created_at < ?1
)
