-- Those of ?1 that are not routed yet. (PostgreSQL: remove_pointers tells.)
SELECT o.seq, e.expunged_at IS NOT NULL AS expunged
FROM json_each(?1) AS wanted
CROSS JOIN ringback_outbox AS o ON o.seq = wanted.value
CROSS JOIN ringback_event AS e ON e.seq = o.seq
