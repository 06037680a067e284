-- After cancel_dead_letters. ?1 <= id < ?2.
DELETE FROM ringback_dead_letter
WHERE id >= ?1
  AND id < ?2
