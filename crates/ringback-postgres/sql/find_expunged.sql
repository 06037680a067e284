-- Those of these events whose payload was expunged.
SELECT id
FROM unnest($1::uuid[]) AS wanted (wanted_id)
CROSS JOIN LATERAL (SELECT * FROM {schema}.event WHERE event.id = wanted.wanted_id LIMIT 1) e
WHERE expunged_at IS NOT NULL
