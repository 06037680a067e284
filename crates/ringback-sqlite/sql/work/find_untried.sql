-- Those of these deliveries that are still pending and were not tried since they counted so many attempts.
-- ?1 rows {id, attempts}. (PostgreSQL: rows come as arrays.)
SELECT d.id
FROM jsonb_each(?1) AS asked
CROSS JOIN ringback_delivery AS d ON d.id = unhex(asked.value ->> 'id')
WHERE d.attempts <= asked.value ->> 'attempts'
