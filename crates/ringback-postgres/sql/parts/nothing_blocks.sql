-- No dead letter stands before the delivery `d` in the order of its key.
NOT EXISTS (SELECT FROM {schema}.dead_letter blocking
                      WHERE blocking.blocks AND blocking.lane = d.lane
                        AND blocking.ordering_key = d.ordering_key AND blocking.seq < d.seq)
