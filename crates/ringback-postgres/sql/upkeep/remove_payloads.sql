-- Removes payloads of old events that are neither unrouted nor owed nor dead, a bounded number of events from a
-- position on. Returns how far it came. Events are locked in the order of their ids, as whoever erases them does.
-- (SQLite: find_chunk_of_events says how far; by seq, the order of emission.)
WITH page AS MATERIALIZED (
    SELECT id FROM {schema}.event WHERE id > $1 AND id < $2 ORDER BY id LIMIT $3
),
expired AS MATERIALIZED (
    SELECT e.id
    FROM page
    JOIN {schema}.event e ON e.id = page.id AND e.id > $1 AND e.id < $2
    WHERE e.payload IS NOT NULL
      AND {part.is_over}
    ORDER BY e.id
    FOR UPDATE OF e
),
removed AS (
    UPDATE {schema}.event e
    SET payload = NULL, payload_expired = true
    FROM expired
    WHERE e.id = expired.id AND e.id > $1 AND e.id < $2
)
SELECT count(*) AS looked_at, (SELECT id FROM page ORDER BY id DESC LIMIT 1) AS last FROM page
