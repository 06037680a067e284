-- Notes that a part of figures is being added, so that it counts once. ?1 id, ?2 now. (PostgreSQL: by its own clock.)
INSERT INTO ringback_figure_part (id, added_at)
VALUES (?1, ?2)
ON CONFLICT (id) DO NOTHING
