-- ?1 ids. (PostgreSQL: in release_dead and expire_dead_letters.)
DELETE FROM ringback_dead_letter
WHERE id IN (SELECT unhex(value) FROM json_each(?1))
