-- What attempts kept. ?1 <= delivery < ?2. (PostgreSQL: for several events, locked in one order.)
SELECT row, detail, length(response_body) > 0 AS has_body
FROM ringback_attempt
WHERE delivery_id >= ?1
  AND delivery_id < ?2
