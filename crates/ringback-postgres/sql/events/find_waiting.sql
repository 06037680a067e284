-- Those of these events that are in the outbox, which has no index of them: a scan of it, and it is short unless nobody routes.
SELECT event_id
FROM {schema}.outbox
WHERE event_id = ANY ($1::uuid[])
