-- Those that still release.
SELECT r.id,
       r.filter,
       r.state,
       r.matched,
       r.released,
       r.skipped,
       r.bytes,
       r.rate_per_second,
       r.reason,
       r.created_at,
       r.finished_at,
       (SELECT count(*) FROM ringback_replay_item AS i WHERE i.replay_id = r.id AND i.outcome = 1) AS delivered,
       (SELECT count(*) FROM ringback_replay_item AS i WHERE i.replay_id = r.id AND i.outcome = 2) AS dead
FROM ringback_replay AS r
WHERE r.state = 1
