-- The event `e` is routed, and none of its deliveries is owed or dead.
NOT EXISTS (
      SELECT 1 FROM ringback_outbox AS o WHERE o.seq = e.seq
  )
  AND NOT EXISTS (
      SELECT 1 FROM ringback_delivery AS d
      WHERE d.id > e.id AND d.id <= CAST(substr(e.id, 1, 14) || x'ffff' AS BLOB)
  )
  AND NOT EXISTS (
      SELECT 1 FROM ringback_dead_letter AS d
      WHERE d.id > e.id AND d.id <= CAST(substr(e.id, 1, 14) || x'ffff' AS BLOB)
  )
