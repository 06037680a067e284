-- The row is the receipt from now on. ?1 the expunge, ?2 now. (PostgreSQL: the time is the database's.)
UPDATE ringback_expunge
SET state = {expunge.completed}, finished_at = ?2
WHERE id = ?1
  AND state = {expunge.running}
  AND digest IS NOT NULL
