-- Copies events below a bound that outlive their partition: those kept already, those unrouted, owed or dead, and those
-- of which a delivery was put back or made anew lately, since what became of them may still change. A bounded number a
-- call, outside of any lock on the tables.
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
