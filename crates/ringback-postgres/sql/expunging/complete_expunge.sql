-- Completes an expunge of which everything is erased: its row is the receipt from now on.
-- (SQLite: the time is an argument.)
UPDATE {schema}.expunge SET state = {expunge.completed}, finished_at = {schema}.clock() WHERE id = $1 AND state = {expunge.running} AND digest IS NOT NULL
