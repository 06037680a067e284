-- The result of routing: deliveries (fate 0 owed, 1 unroutable and so dead at once, 2 cancelled because the event was
-- expunged before it was routed) and verdicts of events without deliveries. Returns since when the owed ones are due.
-- (SQLite: insert_deliveries, insert_cancelled, insert_unroutable and insert_verdicts.)
WITH clock AS MATERIALIZED (SELECT {schema}.clock() AS now),
given AS MATERIALIZED (
    -- A trigger looks up what dead letters are told apart by.
    SELECT g.*, NULL::text AS tenant, NULL::text AS type
    FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::text[], $5::smallint[], $6::bigint[], $7::bigint[],
                $8::smallint[], $9::text[], $14::bigint[], $15::bigint[])
         AS g (id, lane, endpoint_id, ordering_key, marks, seq, config_version, fate, detail, deliver_after, expires_at)
),
{part.stored_dead},
cancelled AS (
    INSERT INTO {schema}.finished
        (id, lane, seq, config_version, finished_at, endpoint_id, attempts, status, marks)
    SELECT id, lane, seq, config_version, clock.now, endpoint_id, 0, {finished.cancelled}, marks
    FROM given
    CROSS JOIN clock
    WHERE fate = {fate.cancelled}
),
{part.stored_rest}
SELECT now FROM clock
