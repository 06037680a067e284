-- At most ?2 parts of figures that were added before ?1. (PostgreSQL: by the database's clock.)
DELETE FROM ringback_figure_part
WHERE id IN (SELECT id FROM ringback_figure_part WHERE added_at < ?1 ORDER BY added_at LIMIT ?2)
