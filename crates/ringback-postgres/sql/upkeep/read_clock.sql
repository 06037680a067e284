-- The database's clock. (SQLite: the clock of the process.)
SELECT {schema}.clock() AS now
