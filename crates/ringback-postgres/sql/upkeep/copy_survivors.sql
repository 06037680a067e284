-- Copies events below a bound that outlive their partition: events that are kept already, that are unrouted, or that
-- have pending deliveries or dead letters; and events of which a delivery was put back or created lately, since their
-- state may still change. A bounded number in each call, outside of any lock on the tables. (SQLite: no partitions;
-- find_events_to_drop leaves survivors out.)
INSERT INTO {schema}.moving_event
SELECT e.*
FROM {schema}.event e
WHERE e.id < $1
  AND e.id IN (
      SELECT surviving.id
      FROM (
          SELECT id FROM {schema}.kept_event
          UNION
          SELECT {schema}.event_of(id) FROM {schema}.delivery WHERE id < $1
          UNION
          SELECT {schema}.event_of(id) FROM {schema}.dead_letter WHERE id < $1
          UNION
          SELECT event_id FROM {schema}.outbox WHERE event_id < $1
          UNION
          SELECT e.id
          FROM {schema}.change c
          JOIN {schema}.event e ON e.id = {schema}.event_of(c.subject)
          WHERE c.kind = {change.delivery_released} AND c.subject < $1 AND e.id < $1
      ) surviving
      WHERE NOT EXISTS (SELECT FROM {schema}.moving_event m WHERE m.id = surviving.id)
      ORDER BY surviving.id
      LIMIT $2
  )
ON CONFLICT (id) DO NOTHING
