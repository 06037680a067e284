-- No dead letter stands before the delivery `d` in the order of its key.
NOT EXISTS (
          SELECT 1
          FROM ringback_dead_letter AS dead
          WHERE dead.blocks
            AND dead.lane = d.lane
            AND dead.ordering_key = d.ordering_key
            AND dead.seq < d.seq
      )
