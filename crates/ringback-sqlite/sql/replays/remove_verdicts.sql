-- These events have deliveries now, which carry the version that they were routed with. ?1 ids.
-- (PostgreSQL: ids come as an array.)
DELETE FROM ringback_verdict
WHERE event_id IN (SELECT unhex(value) FROM json_each(?1))
  AND kind = {verdict.unmatched}
