-- Cancels a replay that is running.
UPDATE {schema}.replay SET state = {replay.cancelled}, finished_at = {schema}.clock() WHERE id = $1 AND state = {replay.running}
