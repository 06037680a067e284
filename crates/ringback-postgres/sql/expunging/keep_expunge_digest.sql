-- The digest of an expunge's set, once all of it is erased.
UPDATE {schema}.expunge SET digest = $2 WHERE id = $1 AND state = {expunge.running}
