-- Stores ?2 under the name ?1, replacing the old value.
INSERT INTO ringback_setting (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value
