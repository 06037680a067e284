-- Where the window of list_events_by_key ends, if it is full. ?1 <= id < ?2, ?3 the window, ?5 key, ?6 tenant.
SELECT id
FROM ringback_event
WHERE id >= ?1
  AND id < ?2
  AND key = ?5
ORDER BY id DESC
LIMIT 1 OFFSET ?3 - 1
