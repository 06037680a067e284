-- The event `e` of a delivery, without its recipients.
{part.event_columns},
       NULL AS endpoint_keys,
       e.destination,
       e.test
