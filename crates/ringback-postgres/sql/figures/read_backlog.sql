-- The numbers of pending deliveries and of dead letters. Counting stops at $1. (SQLite: a subquery needs no name.)
SELECT (SELECT count(*) FROM (SELECT FROM {schema}.delivery WHERE marks & {marks.delivered_before} = 0 LIMIT $1) owed) AS pending,
       (SELECT count(*) FROM (SELECT FROM {schema}.dead_letter LIMIT $1) dead) AS dead
