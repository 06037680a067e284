-- The first value stays. ?1 name, ?2 value.
INSERT INTO ringback_setting (name, value)
VALUES (?1, ?2)
ON CONFLICT (name) DO NOTHING
