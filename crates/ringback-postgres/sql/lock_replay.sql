-- A running replay and how far it has come.
SELECT position FROM {schema}.replay WHERE id = $1 AND state = 1 FOR UPDATE
