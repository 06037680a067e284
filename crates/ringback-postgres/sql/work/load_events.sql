-- Events with their payloads. Joined to the ids, each is looked up in its own partition alone.
-- (SQLite: endpoint keys are not read: they were needed for routing alone.)
SELECT {part.event_columns}, payload
FROM unnest($1::uuid[]) AS wanted (wanted_id)
-- Whatever the planner believes of the partitions: no join of two scans comes into question.
CROSS JOIN LATERAL (SELECT * FROM {schema}.event WHERE event.id = wanted.wanted_id LIMIT 1) e
