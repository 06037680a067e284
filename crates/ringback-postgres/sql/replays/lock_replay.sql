-- A running replay and how far it has come. (SQLite: one writer at a time, nothing to lock.)
SELECT position FROM {schema}.replay WHERE id = $1 AND state = {replay.running} FOR UPDATE
