-- How far a step of upkeep has come. (SQLite: the position is kept in memory.)
SELECT position FROM {schema}.upkeep WHERE step = $1
