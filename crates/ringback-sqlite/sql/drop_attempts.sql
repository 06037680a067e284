-- Of the ?2 oldest, those from before ?1.
DELETE FROM ringback_attempt
WHERE row IN (
    SELECT row
    FROM (SELECT row, at FROM ringback_attempt ORDER BY row LIMIT ?2)
    WHERE at < ?1
)
