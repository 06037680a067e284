-- What its row says is the receipt. ?1 the expunge, ?2 now.
UPDATE ringback_expunge
SET state = 2, finished_at = ?2
WHERE id = ?1
  AND state = 1
  AND digest IS NOT NULL
