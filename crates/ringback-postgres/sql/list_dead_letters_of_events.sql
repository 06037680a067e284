-- Dead letters of these events, newest death first.
SELECT id, endpoint_id, lane, marks, 3::smallint AS status, reason, attempts, NULL::bigint AS due_at, died_at AS finished_at,
       last_status, last_error, detail
FROM unnest($7::uuid[]) AS given (event_id)
JOIN {schema}.dead_letter d ON d.id > given.event_id AND d.id <= {schema}.last_of(given.event_id)
WHERE (died_at, id) < ($1, $2) AND died_at >= $3
  AND ($5::smallint IS NULL OR reason = $5)
  AND ($6::uuid IS NULL OR endpoint_id = $6)
ORDER BY died_at DESC, id DESC
LIMIT $4
