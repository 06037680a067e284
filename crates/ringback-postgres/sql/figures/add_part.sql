-- Notes that a part of figures is being added, so that it counts once. (SQLite: the time is an argument.)
INSERT INTO {schema}.figure_part (id, added_at)
VALUES ($1, {schema}.clock())
ON CONFLICT (id) DO NOTHING
