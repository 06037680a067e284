-- The delivery `d` has no ordering key, or it is the first of its key and no dead letter blocks it.
(d.ordering_key IS NULL OR NOT (
              EXISTS (SELECT FROM {schema}.delivery earlier
                      WHERE earlier.lane = d.lane AND earlier.ordering_key = d.ordering_key AND earlier.seq < d.seq)
              OR EXISTS (SELECT FROM {schema}.dead_letter blocking
                         WHERE blocking.blocks AND blocking.lane = d.lane
                           AND blocking.ordering_key = d.ordering_key AND blocking.seq < d.seq)))
