-- Those of these events that are in the outbox. It has no index by event, so it is scanned; it is short unless no node
-- routes.
-- (SQLite: in list_events.)
SELECT event_id
FROM {schema}.outbox
WHERE event_id = ANY ($1::uuid[])
