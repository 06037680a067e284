-- The pending deliveries of events, locked in the order of their ids, as by record_outcomes.
-- (SQLite: one writer at a time, nothing to lock.)
SELECT d.id
FROM unnest($1::uuid[]) AS given (id)
JOIN {schema}.delivery d ON d.id > given.id AND d.id <= {schema}.last_of(given.id)
ORDER BY d.id
FOR UPDATE OF d
