-- Cancels a replay that is running. (SQLite: the time is an argument.)
UPDATE {schema}.replay SET state = {replay.cancelled}, finished_at = {schema}.clock() WHERE id = $1 AND state = {replay.running}
