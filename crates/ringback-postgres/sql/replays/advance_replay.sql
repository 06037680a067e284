-- Notes how far a replay has come; it is complete once it has looked at all its items.
-- (SQLite: only a running one; lock_replay sees to that here.)
UPDATE {schema}.replay
SET released = released + $2, skipped = skipped + $3, position = $4,
    state = CASE WHEN released + skipped + $2 + $3 >= matched THEN {replay.completed} ELSE {replay.running} END,
    finished_at = CASE WHEN released + skipped + $2 + $3 >= matched THEN {schema}.clock() END
WHERE id = $1
