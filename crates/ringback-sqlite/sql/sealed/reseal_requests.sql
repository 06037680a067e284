-- Replaces a digest that has not changed since it was read: ?5 before, ?6 after. ?1 to ?4 name the request.
-- (PostgreSQL: many at once, locked in the order in which requests take their keys.)
UPDATE ringback_request_key
SET content = ?6
WHERE binding = ?1
  AND tenant = ?2
  AND route = ?3
  AND key = ?4
  AND content = ?5
