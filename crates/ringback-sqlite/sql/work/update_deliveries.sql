-- Deliveries that are tried again, or stay due as they were (no due_at). ?1 rows {id, attempts, due_at}.
-- (PostgreSQL: in record_outcomes.)
UPDATE ringback_delivery AS d
SET attempts = o.value ->> 'attempts',
    due_at = coalesce(o.value ->> 'due_at', d.due_at)
FROM jsonb_each(?1) AS o
WHERE d.id = unhex(o.value ->> 'id')
