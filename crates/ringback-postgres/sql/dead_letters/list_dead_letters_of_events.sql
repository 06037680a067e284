-- Dead letters of these events ($12), newest death first. The other arguments are those of list_dead_letters.
-- (SQLite: list_dead for each event.)
SELECT {part.dead_letter_columns}
FROM unnest($12::uuid[]) AS given (event_id)
CROSS JOIN LATERAL (
    SELECT *
    FROM {schema}.dead_letter
    WHERE id > given.event_id AND id <= {schema}.last_of(given.event_id)
    LIMIT 65535
) d
{part.event_of_delivery}
WHERE {part.is_listed}
  AND ($10::uuid IS NULL OR d.endpoint_id = $10)
  AND ($11::smallint IS NULL OR d.reason = $11)
  AND d.died_at >= $1 AND (d.died_at, d.id) < ($2, $3)
ORDER BY d.died_at DESC, d.id DESC
LIMIT $4
