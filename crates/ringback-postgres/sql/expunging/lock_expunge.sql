-- A running expunge and how far it has come. (SQLite: read_expunge, as there is one writer at a time.)
SELECT position, erases_keys FROM {schema}.expunge WHERE id = $1 AND state = {expunge.running} FOR UPDATE
