-- Inline destinations with sealed credentials among the next events after an id, and last of all, without a
-- destination, the last event that was looked at. What is being moved to `kept_event` has a second row.
-- (SQLite: events are never moved.)
WITH seen AS MATERIALIZED (
    SELECT id, destination FROM {schema}.event WHERE id > $1 ORDER BY id LIMIT $2
),
last_seen AS MATERIALIZED (
    SELECT id FROM seen ORDER BY id DESC LIMIT 1
)
SELECT id, destination FROM seen WHERE destination LIKE '%"sealed"%'
UNION ALL
SELECT id, destination
FROM {schema}.moving_event
WHERE id > $1 AND id <= (SELECT id FROM last_seen) AND destination LIKE '%"sealed"%'
UNION ALL
SELECT id, NULL FROM last_seen
