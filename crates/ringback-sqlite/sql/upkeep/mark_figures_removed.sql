-- The endpoint ?1 has no figures left. (PostgreSQL: in remove_figures.)
UPDATE ringback_endpoint SET has_figures = 0 WHERE id = ?1
