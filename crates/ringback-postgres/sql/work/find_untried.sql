-- Those of these deliveries that are still pending and were not tried since they counted so many attempts.
-- (SQLite: rows come as JSON.)
SELECT id
FROM {schema}.delivery
JOIN unnest($1::uuid[], $2::int[]) AS asked (id, attempts) USING (id)
WHERE delivery.attempts <= asked.attempts
