-- The configuration version that is committed now.
SELECT version FROM {schema}.config
