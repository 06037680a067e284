-- Of ?1 {delivery, number, at, duration, conclusion}, those that counted before: the answer to the write that recorded
-- them was lost, and they are recorded again. (PostgreSQL: drop_repeated_attempts.)
SELECT o.key
FROM jsonb_each(?1) AS o
WHERE EXISTS (
    SELECT 1
    FROM ringback_attempt AS a
    WHERE a.delivery_id = unhex(o.value ->> 'delivery') AND a.number = o.value ->> 'number' AND a.at = o.value ->> 'at'
      AND a.duration = o.value ->> 'duration' AND a.conclusion = o.value ->> 'conclusion'
) OR EXISTS (
    SELECT 1
    FROM ringback_finished AS f
    WHERE f.id = unhex(o.value ->> 'delivery') AND f.number = o.value ->> 'number' AND f.at = o.value ->> 'at'
      AND f.duration = o.value ->> 'duration' AND o.value ->> 'conclusion' = {conclusion.delivered}
)
