-- ?1 the expunge, ?2 the last event looked at, ?3 expunged, ?4 skipped, ?5 payload bytes, ?6 cancelled, ?7 attempts.
-- (PostgreSQL: the arguments in another order.)
UPDATE ringback_expunge
SET position = ?2,
    expunged = expunged + ?3,
    skipped = skipped + ?4,
    payload_bytes = payload_bytes + ?5,
    cancelled = cancelled + ?6,
    attempts = attempts + ?7
WHERE id = ?1
  AND state = {expunge.running}
