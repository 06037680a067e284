-- Where the window of list_dead_letters ends, if it is full. The same arguments.
-- (PostgreSQL: one statement, planned for its values.)
SELECT died_at, id
FROM ringback_dead_letter
WHERE died_at >= ?1
  AND (died_at, id) < (?2, ?3) {narrowed}
ORDER BY died_at DESC, id DESC
LIMIT 1 OFFSET ?14 - 1
