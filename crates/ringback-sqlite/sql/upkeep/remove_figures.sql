-- At most ?3 figures of the tenant ?1's endpoint ?2. (PostgreSQL: together with finding the endpoint.)
DELETE FROM ringback_figure
WHERE (tenant, endpoint_id, at) IN (
    SELECT tenant, endpoint_id, at FROM ringback_figure WHERE tenant = ?1 AND endpoint_id = ?2 ORDER BY at LIMIT ?3
)
