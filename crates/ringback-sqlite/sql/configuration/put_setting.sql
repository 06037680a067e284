-- Keeps ?2 under the name ?1, in place of what there is.
INSERT INTO ringback_setting (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value
