-- Replays that still release, oldest first.
SELECT id FROM {schema}.replay WHERE state = {replay.running} ORDER BY id
