-- Where the window of list_finished ends, if it is full. ?1 <= id < ?2, ?3 the window, ?9 endpoint.
-- (PostgreSQL: one statement, planned for its values.)
SELECT id
FROM ringback_finished
WHERE id >= ?1
  AND id < ?2 {narrowed}
ORDER BY id DESC
LIMIT 1 OFFSET ?3 - 1
