-- Replaces inline destinations that still are what they were, among the events that are being moved.
UPDATE {schema}.moving_event e
SET destination = resealed.after
FROM unnest($1::uuid[], $2::text[], $3::text[]) AS resealed (id, before, after)
WHERE e.id = resealed.id AND e.destination = resealed.before
