-- Events before ?1 are not found by their metadata any more, even if they are kept for something else. ?2 how many.
-- (PostgreSQL: the age is the argument.)
DELETE FROM ringback_event_metadata
WHERE (name, value, event_id) IN (
    SELECT name, value, event_id
    FROM ringback_event_metadata
    WHERE event_id < ?1
    ORDER BY event_id
    LIMIT ?2
)
