-- Adds the dead letters ?1 to the figures of their endpoints, of their tenants, and of everything, in the minute ?2. An
-- inline destination has no figures of its own. (PostgreSQL: in expire_held.)
INSERT INTO ringback_figure AS kept (tenant, endpoint_id, at, dead)
SELECT iif(of.whose = 'all', '', d.tenant), iif(of.whose = 'endpoint', d.endpoint_id, zeroblob(16)), ?2, count(*)
FROM json_each(?1) AS given
CROSS JOIN ringback_dead_letter AS d ON d.id = unhex(given.value)
CROSS JOIN (SELECT 'all' AS whose UNION ALL SELECT 'tenant' UNION ALL SELECT 'endpoint') AS of
WHERE d.tenant IS NOT NULL AND (of.whose <> 'endpoint' OR d.endpoint_id IS NOT NULL)
GROUP BY 1, 2
ON CONFLICT (tenant, endpoint_id, at) DO UPDATE
SET dead = kept.dead + excluded.dead
