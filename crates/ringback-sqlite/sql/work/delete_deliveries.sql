-- ?1 ids.
DELETE FROM ringback_delivery
WHERE id IN (SELECT unhex(value) FROM json_each(?1))
