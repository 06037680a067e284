-- A write of no consequence, to see that there can be one. ?1 the time. (PostgreSQL: the time is the database's.)
INSERT INTO ringback_setting (name, value)
VALUES ('probe', ?1)
ON CONFLICT (name) DO UPDATE SET value = excluded.value
