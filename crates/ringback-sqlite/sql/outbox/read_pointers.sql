-- ?1 the floor, ?2 how many. In place of what is too large to be read stands how large it is, or of a name, which has
-- at most 1,024 bytes, an empty one. (PostgreSQL: by transaction first, because commits are not in the order of seq;
-- read_events reads the events.)
SELECT o.seq,
       e.id AS event_id,
       iif(octet_length(e.tenant) > 1024, '', e.tenant) AS tenant,
       iif(octet_length(e.type) > 1024, '', e.type) AS type,
       iif(octet_length(e.key) > 1024, '', e.key) AS key,
       iif(octet_length(e.ordering_key) > 1024, '', e.ordering_key) AS ordering_key,
       iif(octet_length(e.idempotency_key) > 1024, '', e.idempotency_key) AS idempotency_key,
       e.occurred_at,
       iif(octet_length(e.endpoint_keys) > 2097152, '{"bytes":' || octet_length(e.endpoint_keys) || '}',
           e.endpoint_keys) AS endpoint_keys,
       iif(octet_length(e.destination) > 1048576, '{"bytes":' || octet_length(e.destination) || '}',
           e.destination) AS destination,
       iif(octet_length(e.trace) > 1024, '', e.trace) AS trace,
       e.deliver_after,
       e.expires_at,
       NULL AS metadata,
       e.test
FROM ringback_outbox AS o
CROSS JOIN ringback_event AS e ON e.seq = o.seq
WHERE o.seq >= ?1
ORDER BY o.seq
LIMIT ?2
