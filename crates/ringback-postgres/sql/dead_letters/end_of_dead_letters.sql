-- The last of the newest $4 that list_dead_letters looks at, if there are so many. $1 <= died_at,
-- (died_at, id) < ($2, $3), $5 endpoint, $6 tenant.
-- (SQLite: the endpoint's or the tenant's condition is put in only where there is one, so that an index finds the rows.)
SELECT died_at, id
FROM {schema}.dead_letter
WHERE died_at >= $1 AND (died_at, id) < ($2, $3) AND ($5::uuid IS NULL OR endpoint_id = $5)
  AND ($6::text IS NULL OR tenant = $6)
ORDER BY died_at DESC, id DESC
OFFSET $4 - 1
LIMIT 1
