-- The next ?2 of replay ?1 that have not been looked at; none unless it is running.
SELECT i.delivery_id
FROM ringback_replay AS r
CROSS JOIN ringback_replay_item AS i ON i.replay_id = r.id AND i.delivery_id > r.position
WHERE r.id = ?1
  AND r.state = {replay.running}
ORDER BY i.delivery_id
LIMIT ?2
