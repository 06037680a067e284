-- A deleted endpoint that still has figures. (PostgreSQL: in remove_figures.)
SELECT id, tenant FROM ringback_endpoint WHERE deleted_at IS NOT NULL AND has_figures ORDER BY id LIMIT 1
