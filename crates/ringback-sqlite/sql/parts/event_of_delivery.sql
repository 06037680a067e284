-- The event `e` of a delivery, without whom it says it is for.
{part.event_columns},
       NULL AS endpoint_keys,
       e.destination,
       e.test
