-- ?1 the delivery.
SELECT number, at, conclusion, answered, error, phase, ambiguous, duration, detail, response_body
FROM ringback_attempt
WHERE delivery_id = ?1
UNION ALL
SELECT number, at, {conclusion.delivered}, answered, NULL, NULL, 0, duration, detail, response_body
FROM ringback_finished
WHERE id = ?1
  AND status = {finished.delivered}
ORDER BY number, at
