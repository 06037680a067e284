-- Those of these deliveries that are still pending.
SELECT id
FROM {schema}.delivery
JOIN unnest($1::uuid[]) AS asked (id) USING (id)
