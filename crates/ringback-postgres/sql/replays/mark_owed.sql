-- These events ($2) of a replay ($1) got these deliveries ($3), which take their places in its set.
-- (SQLite: pairs come as JSON.)
UPDATE {schema}.replay_item i
SET delivery_id = given.delivery_id, released = true
FROM unnest($2::uuid[], $3::uuid[]) AS given (event_id, delivery_id)
WHERE i.replay_id = $1 AND i.delivery_id = given.event_id
