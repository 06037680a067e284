-- What delivering attempts kept. ?1 <= id < ?2. (PostgreSQL: for several events, locked in one order.)
SELECT row, detail, length(response_body) > 0 AS has_body
FROM ringback_finished
WHERE id >= ?1
  AND id < ?2
  AND detail IS NOT NULL
