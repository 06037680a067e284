-- Died before ?1; ?2 how many. (PostgreSQL: expire_dead_letters.)
SELECT d.id, substr(d.id, 15) = x'0001' AS first, d.blocks, e.tenant
FROM ringback_dead_letter AS d
CROSS JOIN ringback_event AS e ON e.seq = d.seq
WHERE d.died_at < ?1
ORDER BY d.died_at
LIMIT ?2
