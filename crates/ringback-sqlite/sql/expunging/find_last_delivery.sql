-- The last delivery of which an attempt is stored. ?1 <= id < ?2.
-- (PostgreSQL: read on until an event has no row: its deliveries are numbered without gaps.)
SELECT max(id) AS id
FROM (
    SELECT max(id) AS id FROM ringback_finished WHERE id >= ?1 AND id < ?2
    UNION ALL
    SELECT max(delivery_id) FROM ringback_attempt WHERE delivery_id >= ?1 AND delivery_id < ?2
)
