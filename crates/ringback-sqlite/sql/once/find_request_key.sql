-- The object that a request under a key has created since ?5. ?1 binding, ?2 tenant, ?3 route, ?4 key.
-- (PostgreSQL: take_request_key has seen to it that none is too old.)
SELECT object, content
FROM ringback_request_key
WHERE binding = ?1
  AND tenant = ?2
  AND route = ?3
  AND key = ?4
  AND created_at > ?5
