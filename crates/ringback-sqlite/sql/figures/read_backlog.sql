-- The numbers of pending deliveries and of dead letters. Counting stops at ?1. (PostgreSQL: a subquery needs a name.)
SELECT (SELECT count(*) FROM (SELECT 1 FROM ringback_delivery WHERE marks & {marks.delivered_before} = 0 LIMIT ?1)) AS pending,
       (SELECT count(*) FROM (SELECT 1 FROM ringback_dead_letter LIMIT ?1)) AS dead
