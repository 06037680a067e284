-- ?1 ids.
DELETE FROM ringback_dead_letter
WHERE id IN (SELECT unhex(value) FROM json_each(?1))
