-- Of these events whether they are expunged, locked against being expunged meanwhile.
-- (SQLite: find_expunged, in the transaction that records.)
SELECT id, expunged_at IS NOT NULL AS expunged, destination IS NOT NULL AS inline
FROM {schema}.event
WHERE id = ANY ($1::uuid[])
ORDER BY id
FOR SHARE
