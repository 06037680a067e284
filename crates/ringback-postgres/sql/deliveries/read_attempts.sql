-- A delivery's attempts, including the one that delivered it.
SELECT number, at, conclusion, answered, error, phase, ambiguous, duration, detail, response_body
FROM {schema}.attempt
WHERE delivery_id = $1
UNION ALL
SELECT number, at, {conclusion.delivered}::smallint, answered, NULL, NULL, false, duration, detail, response_body
FROM {schema}.finished
WHERE id = $1 AND status = {finished.delivered}
ORDER BY number, at
