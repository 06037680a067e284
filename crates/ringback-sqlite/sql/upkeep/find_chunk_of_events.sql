-- The next ?2 events after ?1 in the order of emission, and how many of them are older than ?3.
-- (PostgreSQL: remove_payloads finds its own end.)
SELECT max(seq) AS end, coalesce(sum(id < ?3), 0) AS old
FROM (
    SELECT seq, id
    FROM ringback_event
    WHERE seq > ?1
    ORDER BY seq
    LIMIT ?2
)
