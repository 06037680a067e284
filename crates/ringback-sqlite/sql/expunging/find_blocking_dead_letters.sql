-- ?1 <= id < ?2. (PostgreSQL: cancel_dead_letters_of_events returns them.)
SELECT id
FROM ringback_dead_letter
WHERE id >= ?1
  AND id < ?2
  AND blocks
