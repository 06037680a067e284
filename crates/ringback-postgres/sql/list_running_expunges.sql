-- Expunges that are not complete, oldest first.
SELECT id FROM {schema}.expunge WHERE state = 1 ORDER BY id
