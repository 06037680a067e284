-- The database's clock.
SELECT {schema}.clock() AS now
