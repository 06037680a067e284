-- When the oldest of a lane's first due deliveries became due whose ordering key lets it be sent.
-- ?1 the lane, ?2 now, ?3 how many. (PostgreSQL: in read_oldest_due_outside.)
SELECT min(d.due_at) AS due_at
FROM (
    SELECT *
    FROM ringback_delivery
    WHERE lane = ?1 AND due_at <= ?2
    ORDER BY due_at, id
    LIMIT ?3
) AS d
WHERE {part.is_first_in_order}
