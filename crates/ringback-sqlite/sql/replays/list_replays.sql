-- Newest first, at most ?6. ?1 tenant, ?2 state, ?3 <= created_at < ?4, id < ?5.
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
       (SELECT count(*) FROM ringback_replay_item AS i WHERE i.replay_id = r.id AND i.outcome = {outcome.delivered}) AS delivered,
       (SELECT count(*) FROM ringback_replay_item AS i WHERE i.replay_id = r.id AND i.outcome = {outcome.dead}) AS dead
FROM ringback_replay AS r
WHERE (?1 IS NULL OR r.tenant = ?1)
  AND (?2 IS NULL OR r.state = ?2)
  AND r.created_at >= ?3
  AND r.created_at < ?4
  AND r.id < ?5
ORDER BY r.id DESC
LIMIT ?6
