-- The first due deliveries of a shard, and whether their ordering keys let them be sent.
-- ?1 the shard, ?2 now, ?3 how many. (PostgreSQL: in read_oldest_due_outside.)
SELECT d.lane,
       d.due_at,
       {part.is_first_in_order} AS is_first
FROM ringback_delivery AS d
WHERE d.shard = ?1 AND d.due_at <= ?2
ORDER BY d.due_at, d.id
LIMIT ?3
