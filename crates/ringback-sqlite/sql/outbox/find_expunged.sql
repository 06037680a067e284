-- ?1 events. (PostgreSQL: asked when events are routed; lock_expunged_events when outcomes are recorded.)
SELECT e.id, e.destination IS NOT NULL AS inline
FROM json_each(?1) AS wanted
CROSS JOIN ringback_event AS e ON e.id = unhex(wanted.value)
WHERE e.expunged_at IS NOT NULL
