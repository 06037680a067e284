-- ?1 the row, ?2 what is left.
-- (PostgreSQL: many at once; they have no row number, so a number and what was kept name them.)
UPDATE ringback_attempt
SET detail = ?2, response_body = x''
WHERE row = ?1
