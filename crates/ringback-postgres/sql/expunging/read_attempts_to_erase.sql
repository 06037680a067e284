-- Attempts of deliveries within ranges of ids, with what they kept, locked in one order.
-- (SQLite: for one event, and one writer needs no locks.)
SELECT a.delivery_id, a.number, a.detail, octet_length(a.response_body) > 0 AS has_body
FROM unnest($1::uuid[], $2::uuid[]) AS given (above, last)
JOIN {schema}.attempt a ON a.delivery_id > given.above AND a.delivery_id <= given.last
ORDER BY a.delivery_id, a.number, a.at
FOR UPDATE OF a
