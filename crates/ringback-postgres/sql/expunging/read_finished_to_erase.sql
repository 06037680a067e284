-- Finished deliveries within ranges of ids, with what their delivering attempts kept (null where there was none),
-- locked in the order of their ids. (SQLite: for one event, and one writer needs no locks.)
SELECT f.id, f.detail, octet_length(f.response_body) > 0 AS has_body
FROM unnest($1::uuid[], $2::uuid[]) AS given (above, last)
JOIN {schema}.finished f ON f.id > given.above AND f.id <= given.last
ORDER BY f.id
FOR UPDATE OF f
