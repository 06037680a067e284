-- ?1 the row, ?2 what is left. (PostgreSQL: many at once.)
UPDATE ringback_finished
SET detail = ?2, response_body = x''
WHERE row = ?1
