-- ?1 the expunge, ?2 ids.
INSERT INTO ringback_expunge_item (expunge_id, event_id)
SELECT ?1, unhex(value)
FROM json_each(?2)
