-- After an attempt of a replay of a delivered one, however that replay will end: the finished row remembers how many
-- attempts there have been. Locked in the order of their ids, as everywhere. (SQLite: one writer needs no locks, and
-- records in order.)
WITH locked AS MATERIALIZED (
    SELECT f.id, counted.attempts
    FROM unnest($1::uuid[], $2::integer[]) AS counted (id, attempts)
    JOIN {schema}.finished f ON f.id = counted.id
    ORDER BY f.id
    FOR UPDATE OF f
)
UPDATE {schema}.finished f
SET attempts = greatest(f.attempts, locked.attempts)
FROM locked
WHERE f.id = locked.id
