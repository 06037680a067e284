-- Stores a value under a name unless there is one.
INSERT INTO {schema}.setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING
