-- ?1 ids of events. (PostgreSQL: partitions are dropped.)
DELETE FROM ringback_verdict
WHERE event_id IN (SELECT unhex(value) FROM json_each(?1))
