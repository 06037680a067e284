-- ?1 the expunge, ?2 ids. (PostgreSQL: in fix_expunge.)
INSERT INTO ringback_expunge_item (expunge_id, event_id)
SELECT ?1, unhex(value)
FROM json_each(?2)
