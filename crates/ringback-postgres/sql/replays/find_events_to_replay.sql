-- The next events among which some may be missing at an endpoint, at most $7. $1 <= id < $2, $3 the endpoint's tenant,
-- $4 the filter's tenant, $5 type, $6 key.
SELECT id
FROM {schema}.event
WHERE id >= $1 AND id < $2
  AND tenant = $3
  AND ($4::text IS NULL OR tenant = $4)
  AND ($5::text IS NULL OR type = $5)
  AND ($6::text IS NULL OR key = $6)
ORDER BY id
LIMIT $7
