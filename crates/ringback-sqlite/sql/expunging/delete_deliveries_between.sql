-- After cancel_event. ?1 <= id < ?2. (PostgreSQL: in cancel_deliveries.)
DELETE FROM ringback_delivery
WHERE id >= ?1
  AND id < ?2
