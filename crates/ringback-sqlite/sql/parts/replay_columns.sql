-- A replay `r` with its counts.
r.id,
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
       (SELECT count(*) FROM ringback_replay_item AS i WHERE i.replay_id = r.id AND i.outcome = {outcome.delivered}) AS delivered,
       (SELECT count(*) FROM ringback_replay_item AS i WHERE i.replay_id = r.id AND i.outcome = {outcome.dead}) AS dead
