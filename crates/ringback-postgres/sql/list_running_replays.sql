-- Replays that still release, oldest first.
SELECT id FROM {schema}.replay WHERE state = 1 ORDER BY id
