-- Where the window of list_pending ends, if it is full. ?1 <= id < ?2, ?3 the window.
-- (PostgreSQL: with the endpoint and the marks, over an index.)
SELECT id
FROM ringback_delivery
WHERE id >= ?1
  AND id < ?2
ORDER BY id DESC
LIMIT 1 OFFSET ?3 - 1
