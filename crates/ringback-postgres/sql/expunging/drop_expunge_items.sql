-- Removes a bounded number of an expunge's items, which are not needed any more.
DELETE FROM {schema}.expunge_item
WHERE expunge_id = $1
  AND event_id IN (SELECT event_id FROM {schema}.expunge_item WHERE expunge_id = $1 ORDER BY event_id LIMIT $2)
