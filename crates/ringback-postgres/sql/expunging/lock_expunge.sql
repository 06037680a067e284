-- A running expunge and how far it has come.
SELECT position, erases_keys FROM {schema}.expunge WHERE id = $1 AND state = {expunge.running} FOR UPDATE
