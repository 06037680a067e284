-- Up to ?2 items of expunge ?1.
DELETE FROM ringback_expunge_item
WHERE expunge_id = ?1
  AND event_id IN (SELECT event_id FROM ringback_expunge_item WHERE expunge_id = ?1 ORDER BY event_id LIMIT ?2)
