-- ?1 ids. (PostgreSQL: in the statements that copy them.)
DELETE FROM ringback_delivery
WHERE id IN (SELECT unhex(value) FROM json_each(?1))
