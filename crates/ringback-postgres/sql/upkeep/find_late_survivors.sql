-- Events below a bound that got a pending delivery since survivors were copied, even if it is not pending any more.
-- This is cheap: events with dead letters by now had pending deliveries then, and were copied. (SQLite: no partitions.)
SELECT 1
FROM (
    SELECT {schema}.event_of(id) AS id FROM {schema}.delivery WHERE id < $1
    UNION ALL
    SELECT event_id FROM {schema}.outbox WHERE event_id < $1
    UNION ALL
    SELECT e.id
    FROM {schema}.change c
    JOIN {schema}.event e ON e.id = {schema}.event_of(c.subject)
    WHERE c.kind = {change.delivery_released} AND c.subject < $1 AND e.id < $1
) owed
WHERE NOT EXISTS (SELECT FROM {schema}.moving_event m WHERE m.id = owed.id)
LIMIT 1
