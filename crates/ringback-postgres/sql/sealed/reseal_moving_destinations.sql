-- Replaces inline destinations that have not changed since they were read, of events that upkeep is moving.
-- (SQLite: events are never moved.)
UPDATE {schema}.moving_event e
SET destination = resealed.after
FROM unnest($1::uuid[], $2::text[], $3::text[]) AS resealed (id, before, after)
WHERE e.id = resealed.id AND e.destination = resealed.before
