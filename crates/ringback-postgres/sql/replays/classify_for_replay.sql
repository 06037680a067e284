-- The state of each of these deliveries, and what may keep it from being sent again.
-- (SQLite: the lane, too, and a column for each way in which it ended.)
SELECT given.id,
       EXISTS (SELECT FROM {schema}.delivery d WHERE d.id = given.id) AS owed,
       dead.id IS NOT NULL AS dead,
       dead.reason,
       dead.last_status,
       finished.status AS finished,
       event.expunged_at IS NOT NULL AS expunged,
       event.id IS NULL OR event.payload IS NULL AS payload_gone,
       coalesce(dead.endpoint_id, finished.endpoint_id) AS endpoint_id,
       endpoint.deleted_at IS NOT NULL AS endpoint_deleted
FROM unnest($1::uuid[]) AS given (id)
LEFT JOIN {schema}.dead_letter dead ON dead.id = given.id
LEFT JOIN {schema}.finished finished ON finished.id = given.id AND finished.id = ANY ($1::uuid[])
LEFT JOIN {schema}.event event ON event.id = {schema}.event_of(given.id) AND event.id = ANY ($2::uuid[])
LEFT JOIN {schema}.endpoint endpoint ON endpoint.id = coalesce(dead.endpoint_id, finished.endpoint_id)
