-- ?1 rows {tenant, type, key}. (PostgreSQL: keys come as arrays.)
SELECT wanted.key AS position, i.event_id, i.content
FROM jsonb_each(?1) AS wanted
CROSS JOIN ringback_idempotency AS i
    ON i.tenant = wanted.value ->> 'tenant'
   AND i.type = wanted.value ->> 'type'
   AND i.key = wanted.value ->> 'key'
