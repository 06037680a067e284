-- ?1 ids. (PostgreSQL: partitions are dropped.)
DELETE FROM ringback_event
WHERE id IN (SELECT unhex(value) FROM json_each(?1))
