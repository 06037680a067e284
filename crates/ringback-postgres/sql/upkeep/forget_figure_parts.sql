-- Forgets parts of figures that nobody sends again. (SQLite: the time is an argument.)
DELETE FROM {schema}.figure_part
WHERE id IN (
    SELECT id FROM {schema}.figure_part
    WHERE added_at < (SELECT {schema}.clock()) - $1::bigint
    ORDER BY added_at
    LIMIT $2
)
