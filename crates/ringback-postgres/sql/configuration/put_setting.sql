-- Keeps a value under a name, in place of what there is.
INSERT INTO {schema}.setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value
