-- ?1 <= id < ?2.
SELECT id
FROM ringback_dead_letter
WHERE id >= ?1
  AND id < ?2
  AND blocks
