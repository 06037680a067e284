-- Expunges that are not complete, oldest first.
SELECT id FROM {schema}.expunge WHERE state = {expunge.running} ORDER BY id
