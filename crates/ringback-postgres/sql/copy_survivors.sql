-- Copies events below a bound that outlive their partition: those kept already, and those unrouted, owed or dead.
-- A bounded number a call, outside of any lock.
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
      ) surviving
      WHERE NOT EXISTS (SELECT FROM {schema}.moving_event m WHERE m.id = surviving.id)
      ORDER BY surviving.id
      LIMIT $2
  )
ON CONFLICT (id) DO NOTHING
