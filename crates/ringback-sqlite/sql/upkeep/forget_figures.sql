-- At most ?2 figures of minutes before ?1. (PostgreSQL: by the database's clock.)
DELETE FROM ringback_figure
WHERE (tenant, endpoint_id, at) IN (
    SELECT tenant, endpoint_id, at FROM ringback_figure WHERE at < ?1 ORDER BY at LIMIT ?2
)
