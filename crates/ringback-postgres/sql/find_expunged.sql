-- Those of these events whose payload was expunged.
SELECT id FROM {schema}.event WHERE id = ANY ($1::uuid[]) AND expunged_at IS NOT NULL
