-- The next of a running replay's deliveries, in order of their events.
SELECT i.delivery_id
FROM {schema}.replay r
JOIN {schema}.replay_item i ON i.replay_id = r.id AND i.delivery_id > r.position
WHERE r.id = $1 AND r.state = {replay.running}
ORDER BY i.delivery_id
LIMIT $2
