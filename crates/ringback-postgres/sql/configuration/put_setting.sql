-- Stores a value under a name, replacing the old one.
INSERT INTO {schema}.setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value
