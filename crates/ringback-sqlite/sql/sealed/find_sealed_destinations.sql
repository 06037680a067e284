-- Inline destinations with sealed credentials among the next events, and last of all, without a destination, the last
-- event that was looked at. ?1 after this id, ?2 how many. (PostgreSQL: events that are being moved have a second row.)
WITH seen AS MATERIALIZED (
    SELECT id, destination FROM ringback_event WHERE id > ?1 ORDER BY id LIMIT ?2
)
SELECT id, destination FROM seen WHERE destination LIKE '%"sealed"%'
UNION ALL
SELECT max(id), NULL FROM seen
