-- Those of these events whose payload was expunged.
SELECT id
FROM {schema}.event
JOIN unnest($1::uuid[]) AS wanted (id) USING (id)
WHERE expunged_at IS NOT NULL
