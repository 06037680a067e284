-- The next ?3 events of expunge ?1 after ?2.
SELECT event_id
FROM ringback_expunge_item
WHERE expunge_id = ?1
  AND event_id > ?2
ORDER BY event_id
LIMIT ?3
