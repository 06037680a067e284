-- Replays that still release, oldest first.
SELECT id FROM ringback_replay WHERE state = {replay.running} ORDER BY id
