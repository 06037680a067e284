-- Newest first. Deliveries of an event lie between it and the next: one with ?1 among its deliveries counts too.
-- ?1 <= id < ?2, ?3 how many, ?4 the key. (PostgreSQL: the caller cuts the id.)
SELECT id
FROM ringback_event
WHERE key = ?4
  AND id >= CAST(substr(?1, 1, 14) || x'0000' AS BLOB)
  AND id < ?2
ORDER BY id DESC
LIMIT ?3
