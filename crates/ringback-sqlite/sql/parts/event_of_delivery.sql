-- The event `e` of a delivery, without its recipients and its trace.
{part.event_columns},
       NULL AS endpoint_keys,
       e.destination,
       NULL AS trace,
       e.test
