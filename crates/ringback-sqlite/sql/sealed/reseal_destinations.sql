-- Replaces an inline destination that has not changed since it was read. ?1 id, ?2 before, ?3 after.
-- (PostgreSQL: many at once, locked in the order of ids.)
UPDATE ringback_event SET destination = ?3 WHERE id = ?1 AND destination = ?2
