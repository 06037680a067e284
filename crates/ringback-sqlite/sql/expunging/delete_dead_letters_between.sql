-- After cancel_dead_letters. ?1 <= id < ?2. (PostgreSQL: in the statements that cancel.)
DELETE FROM ringback_dead_letter
WHERE id >= ?1
  AND id < ?2
