-- A replay has come further; it is complete when it has looked at all.
UPDATE {schema}.replay
SET released = released + $2, skipped = skipped + $3, position = $4,
    state = CASE WHEN released + skipped + $2 + $3 >= matched THEN {replay.completed} ELSE {replay.running} END,
    finished_at = CASE WHEN released + skipped + $2 + $3 >= matched THEN {schema}.clock() END
WHERE id = $1
