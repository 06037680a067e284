-- After cancel_event. ?1 <= id < ?2.
DELETE FROM ringback_delivery
WHERE id >= ?1
  AND id < ?2
