-- Everything is erased: what an expunge's row says is its receipt.
UPDATE {schema}.expunge SET state = {expunge.completed}, finished_at = {schema}.clock() WHERE id = $1 AND state = {expunge.running} AND digest IS NOT NULL
