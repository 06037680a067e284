-- A payload, or why there is none.
SELECT payload, expunged_at IS NOT NULL AS expunged FROM {schema}.event WHERE id = $1
