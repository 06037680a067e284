-- ?1 ids. (PostgreSQL: cancel_stragglers finds their deliveries later.)
SELECT p.id
FROM json_each(?1) AS wanted
CROSS JOIN ringback_endpoint AS p ON p.id = unhex(wanted.value)
WHERE p.deleted_at IS NOT NULL
