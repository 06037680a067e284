-- Replaces inline destinations that still are what they were. Events are locked in the order of their ids, as whoever
-- erases them does. (SQLite: row by row; one writer needs no locks.)
WITH locked AS MATERIALIZED (
    SELECT e.id, resealed.after
    FROM unnest($1::uuid[], $2::text[], $3::text[]) AS resealed (id, before, after)
    JOIN {schema}.event e ON e.id = resealed.id AND e.destination = resealed.before
    ORDER BY e.id
    FOR UPDATE OF e
)
UPDATE {schema}.event e
SET destination = locked.after
FROM locked
WHERE e.id = locked.id
