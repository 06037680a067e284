-- Events without their payloads, with whom they say they are for. `fits` tells whether all up to this one weigh at most
-- $2 bytes together; those that do not come without it. A key weighs as much as the longest, whatever its length:
-- what is stored may be compressed.
SELECT id, seq, tenant, type, key, ordering_key, idempotency_key, occurred_at,
       CASE WHEN upto <= $2 THEN {schema}.readable_keys(endpoint_keys) END AS endpoint_keys,
       CASE
           WHEN upto > $2 THEN NULL
           WHEN octet_length(destination) > 1048576 THEN format('{"bytes":%s}', octet_length(destination))
           ELSE destination
       END AS destination,
       test, payload_bytes, expunged_at, upto <= $2 AS fits
FROM (
    SELECT e.*,
           sum(least(coalesce(octet_length(destination), 0), 1048576) + coalesce({schema}.weight_of_keys(endpoint_keys), 0))
               OVER (ORDER BY place) AS upto
    FROM unnest($1::uuid[]) WITH ORDINALITY AS wanted (wanted_id, place)
    CROSS JOIN LATERAL (
        SELECT id, seq, tenant, type, key, ordering_key, idempotency_key, occurred_at, endpoint_keys, destination, test,
               payload_bytes, expunged_at
        FROM {schema}.event
        WHERE event.id = wanted.wanted_id
        LIMIT 1
    ) e
) weighed
ORDER BY upto
