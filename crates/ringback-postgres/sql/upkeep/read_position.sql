-- How far a step of upkeep has come.
SELECT position FROM {schema}.upkeep WHERE step = $1
