-- The event `e` of a delivery, without its recipients and what stands behind its payload.
{part.event_columns},
       NULL AS endpoint_keys,
       e.destination,
       NULL AS trace,
       NULL AS deliver_after,
       NULL AS expires_at,
       NULL AS metadata,
       e.test
