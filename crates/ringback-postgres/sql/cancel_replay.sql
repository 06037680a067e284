-- Cancels a replay that is running.
UPDATE {schema}.replay SET state = 3, finished_at = {schema}.clock() WHERE id = $1 AND state = 1
