-- The next events of an expunge's set after a position, in order.
SELECT event_id FROM {schema}.expunge_item WHERE expunge_id = $1 AND event_id > $2 ORDER BY event_id LIMIT $3
