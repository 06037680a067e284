-- How far a step of upkeep has come, for the next call. (SQLite: the position is kept in memory.)
INSERT INTO {schema}.upkeep (step, position) VALUES ($1, $2)
ON CONFLICT (step) DO UPDATE SET position = excluded.position
