-- An endpoint is enabled again: its pending deliveries are due at once and have their whole budget of tries; what was
-- never tried may have to wait for its event's time. They are
-- locked in the order of their ids first, as whoever records outcomes does: neither waits for the other in a circle.
-- (SQLite: one writer needs no locks; the time is an argument.)
WITH locked AS MATERIALIZED (
    SELECT id FROM {schema}.delivery WHERE lane = $1 AND endpoint_id = $2 ORDER BY id FOR UPDATE
)
UPDATE {schema}.delivery d
SET due_at = CASE d.attempts WHEN 0 THEN greatest(d.due_at, clock.now) ELSE clock.now END, attempts_at_refill = d.attempts
FROM locked
CROSS JOIN (SELECT {schema}.clock() AS now) clock
WHERE d.id = locked.id
