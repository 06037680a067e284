-- All attempts at events. ?1 their ids. (PostgreSQL: partitions are dropped.)
DELETE FROM ringback_attempt
WHERE row IN (
    SELECT a.row
    FROM json_each(?1) AS old
    CROSS JOIN ringback_attempt AS a
        ON a.delivery_id > unhex(old.value)
       AND a.delivery_id <= CAST(substr(unhex(old.value), 1, 14) || x'ffff' AS BLOB)
)
