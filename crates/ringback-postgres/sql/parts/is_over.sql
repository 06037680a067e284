-- The event `page` is routed, and none of its deliveries is owed or dead.
NOT EXISTS (SELECT FROM {schema}.delivery d WHERE d.id > page.id AND d.id <= {schema}.last_of(page.id))
      AND NOT EXISTS (SELECT FROM {schema}.dead_letter d WHERE d.id > page.id AND d.id <= {schema}.last_of(page.id))
      AND NOT EXISTS (SELECT FROM {schema}.outbox o WHERE o.event_id = page.id)
