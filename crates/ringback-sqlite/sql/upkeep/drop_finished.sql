-- The finished deliveries of events. ?1 their ids. (PostgreSQL: partitions are dropped.)
DELETE FROM ringback_finished
WHERE row IN (
    SELECT f.row
    FROM json_each(?1) AS old
    CROSS JOIN ringback_finished AS f
        ON f.id > unhex(old.value)
       AND f.id <= CAST(substr(unhex(old.value), 1, 14) || x'ffff' AS BLOB)
)
