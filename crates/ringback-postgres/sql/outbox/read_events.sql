-- Events without their payloads, with their recipients (endpoint keys and destination). `fits` tells whether the
-- recipients up to this event have at most $2 bytes together; the others come without recipients. Each key counts as
-- the longest one: stored values may be compressed. (SQLite: read_pointers reads the events, too.)
SELECT id, seq, tenant, type, key, ordering_key, idempotency_key, occurred_at,
       CASE WHEN upto <= $2 THEN {schema}.readable_keys(endpoint_keys) END AS endpoint_keys,
       CASE
           WHEN upto > $2 THEN NULL
           WHEN octet_length(destination) > 1048576 THEN format('{"bytes":%s}', octet_length(destination))
           ELSE destination
       END AS destination,
       trace, test, deliver_after, expires_at, metadata, payload_bytes, expunged_at, upto <= $2 AS fits
FROM (
    SELECT e.*,
           sum(least(coalesce(octet_length(destination), 0), 1048576) + coalesce({schema}.weight_of_keys(endpoint_keys), 0))
               OVER (ORDER BY place) AS upto
    FROM unnest($1::uuid[]) WITH ORDINALITY AS wanted (wanted_id, place)
    CROSS JOIN LATERAL (
        SELECT id, seq, tenant, type, key, ordering_key, idempotency_key, occurred_at, endpoint_keys, destination, trace,
               test, deliver_after, expires_at, metadata, payload_bytes, expunged_at
        FROM {schema}.event
        WHERE event.id = wanted.wanted_id
        LIMIT 1
    ) e
) weighed
ORDER BY upto
