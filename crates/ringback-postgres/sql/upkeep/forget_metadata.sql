-- Events beyond their retention are not found by their metadata any more, even if they are kept for something else.
-- (SQLite: the same, with the first id that is kept as an argument.)
DELETE FROM {schema}.event_metadata
WHERE (name, value, event_id) IN (
    SELECT name, value, event_id
    FROM {schema}.event_metadata
    WHERE event_id < (SELECT {schema}.floor_of({schema}.clock() - $1::bigint))
    ORDER BY event_id
    LIMIT $2
)
