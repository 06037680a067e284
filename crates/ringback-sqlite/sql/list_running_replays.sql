-- Replays that still release, oldest first.
SELECT id FROM ringback_replay WHERE state = 1 ORDER BY id
