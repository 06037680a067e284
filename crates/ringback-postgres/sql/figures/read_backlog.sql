-- What waits and what was given up. $1 where counting stops.
SELECT (SELECT count(*) FROM (SELECT FROM {schema}.delivery WHERE marks & {marks.delivered_before} = 0 LIMIT $1) owed) AS pending,
       (SELECT count(*) FROM (SELECT FROM {schema}.dead_letter LIMIT $1) dead) AS dead
