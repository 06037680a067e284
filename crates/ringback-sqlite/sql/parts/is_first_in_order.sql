-- The delivery `d` has no ordering key, or it is the first of its key and nothing blocks it.
(
      d.ordering_key IS NULL
      OR d.seq = (
          SELECT min(earlier.seq)
          FROM ringback_delivery AS earlier
          WHERE earlier.lane = d.lane
            AND earlier.ordering_key = d.ordering_key
      )
      AND {part.nothing_blocks}
  )
