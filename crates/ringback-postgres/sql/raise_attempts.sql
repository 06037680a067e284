-- After a replay of a delivered one has ended: its finished row remembers how many attempts there have been.
UPDATE {schema}.finished f
SET attempts = greatest(f.attempts, counted.attempts)
FROM unnest($1::uuid[], $2::integer[]) AS counted (id, attempts)
WHERE f.id = counted.id
