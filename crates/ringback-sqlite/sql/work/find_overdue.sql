-- At most ?3 deliveries of shards ?1 that expired by ?2 before an attempt was recorded, each with its event's tenant.
-- (PostgreSQL: the same.)
SELECT {part.due_columns}, e.tenant
FROM json_each(?1) AS owned
CROSS JOIN ringback_delivery AS d ON d.shard = owned.value AND d.attempts = 0 AND d.expires_at <= ?2
CROSS JOIN ringback_event AS e ON e.id = CAST(substr(d.id, 1, 14) || x'0000' AS BLOB)
LIMIT ?3
