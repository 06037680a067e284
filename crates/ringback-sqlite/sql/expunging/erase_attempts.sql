-- ?1 the row, ?2 what is left.
UPDATE ringback_attempt
SET detail = ?2, response_body = x''
WHERE row = ?1
