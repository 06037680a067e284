-- The event `e` of the delivery `d`, looked up on its own: joined, the planner may read all events.
CROSS JOIN LATERAL (
    SELECT {part.event_columns}
    FROM {schema}.event
    WHERE event.id = {schema}.event_of(d.id)
    LIMIT 1
) e
