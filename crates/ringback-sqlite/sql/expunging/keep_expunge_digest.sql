-- Once all of it is erased. ?1 the expunge, ?2 the digest of its set.
UPDATE ringback_expunge
SET digest = ?2
WHERE id = ?1
  AND state = {expunge.running}
