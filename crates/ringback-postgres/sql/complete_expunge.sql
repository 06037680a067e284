-- Everything is erased: what an expunge's row says is its receipt.
UPDATE {schema}.expunge SET state = 2, finished_at = {schema}.clock() WHERE id = $1 AND state = 1 AND digest IS NOT NULL
