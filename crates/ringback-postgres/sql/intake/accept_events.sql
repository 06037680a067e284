-- Stores events that do not go through the outbox, with their deliveries and verdicts, in one statement, which is a
-- transaction of its own unless it is part of one. Deliveries name the place of their event, counted from 1; fates and
-- verdicts are those of insert_routed. $26 is the greatest of the events' ids: none may be far ahead of the clock.
-- Returns since when the pending deliveries are due, and the events' `seq` by their places.
-- (SQLite: insert_events, then the statements of routing.)
WITH clock AS MATERIALIZED (SELECT {schema}.within_clock($26::uuid, {schema}.clock()) AS now),
stored AS (
    INSERT INTO {schema}.event
        (id, tenant, type, key, ordering_key, idempotency_key, occurred_at, endpoint_keys, destination, trace,
         deliver_after, expires_at, metadata, test, payload, payload_bytes)
    SELECT id, tenant, type, key, ordering_key, idempotency_key, occurred_at, endpoint_keys::jsonb, destination, trace,
           deliver_after, expires_at, metadata, test, payload, octet_length(payload)
    FROM unnest($14::uuid[], $15::text[], $16::text[], $17::text[], $18::text[], $19::text[], $20::bigint[], $21::text[],
                $22::text[], $23::text[], $24::boolean[], $25::bytea[], $27::bigint[], $28::bigint[], $29::text[])
         WITH ORDINALITY AS e (id, tenant, type, key, ordering_key, idempotency_key, occurred_at, endpoint_keys,
                               destination, trace, test, payload, deliver_after, expires_at, metadata, position)
    ORDER BY position
    RETURNING seq
),
-- Numbers are given in the order of the rows, so the n-th smallest is that of the n-th event.
numbers AS MATERIALIZED (SELECT array_agg(seq ORDER BY seq) AS by_place FROM stored),
given AS MATERIALIZED (
    SELECT g.*, (SELECT by_place FROM numbers)[place] AS seq, ($15::text[])[place] AS tenant, ($16::text[])[place] AS type,
           ($27::bigint[])[place] AS deliver_after, ($28::bigint[])[place] AS expires_at
    FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::text[], $5::smallint[], $6::bigint[], $7::bigint[],
                $8::smallint[], $9::text[])
         AS g (id, lane, endpoint_id, ordering_key, marks, place, config_version, fate, detail)
),
{part.stored_dead},
{part.stored_rest}
SELECT clock.now, numbers.by_place
FROM clock
CROSS JOIN numbers
