-- Dead letters, newest death first. $1 <= died_at, (died_at, id) < ($2, $3), of the newest $12 of them at most $4;
-- $5 tenant, $6 type, $7 key, $8 host and $9 its endpoints, $10 endpoint, $11 reason.
-- (SQLite: the endpoint's or the tenant's condition is put in only where there is one, so that an index finds the rows.)
SELECT {part.dead_letter_columns}
FROM (
    SELECT *
    FROM {schema}.dead_letter
    WHERE died_at >= $1 AND (died_at, id) < ($2, $3) AND ($10::uuid IS NULL OR endpoint_id = $10)
      AND ($5::text IS NULL OR tenant = $5)
    ORDER BY died_at DESC, id DESC
    LIMIT $12
) d
{part.event_of_delivery}
WHERE {part.is_listed}
  AND ($11::smallint IS NULL OR d.reason = $11)
ORDER BY d.died_at DESC, d.id DESC
LIMIT $4
