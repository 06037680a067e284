-- A running replay and how far it has come.
SELECT position FROM {schema}.replay WHERE id = $1 AND state = {replay.running} FOR UPDATE
