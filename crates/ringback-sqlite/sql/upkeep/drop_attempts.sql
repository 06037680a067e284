-- Of the ?2 oldest, those from before ?1 at events from before ?3. (PostgreSQL: partitions are dropped.)
DELETE FROM ringback_attempt
WHERE row IN (
    SELECT row
    FROM (SELECT row, at, delivery_id FROM ringback_attempt ORDER BY row LIMIT ?2)
    WHERE at < ?1
      AND delivery_id < ?3
)
