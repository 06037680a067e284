-- Where the window of list_events ends, if it is full. ?1 <= id < ?2, ?3 the window, ?5 key, ?6 tenant, ?8 and ?9 an entry of
-- metadata.
-- (PostgreSQL: end_of_events_of_key and end_of_events_of_metadata where those are given.)
SELECT id
FROM ringback_event
WHERE id >= ?1
  AND id < ?2 {narrowed}
ORDER BY id DESC
LIMIT 1 OFFSET ?3 - 1
