-- The result of routing: deliveries (fate 0 owed, 1 unroutable and so dead at once, 2 cancelled because the event was
-- expunged before it was routed) and verdicts of events without deliveries. Returns since when the owed ones are due.
-- (SQLite: insert_deliveries, insert_cancelled, insert_unroutable and insert_verdicts.)
WITH clock AS MATERIALIZED (SELECT {schema}.clock() AS now),
given AS MATERIALIZED (
    SELECT *
    FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::text[], $5::smallint[], $6::bigint[], $7::bigint[],
                $8::smallint[], $9::text[])
         AS g (id, lane, endpoint_id, ordering_key, marks, seq, config_version, fate, detail)
),
dead AS (
    INSERT INTO {schema}.dead_letter
        (id, lane, died_at, seq, config_version, endpoint_id, attempts, attempts_at_refill, reason, marks,
         ordering_key, detail)
    SELECT id, lane, clock.now, seq, config_version, endpoint_id, 0, 0, {reason.unroutable}, marks, ordering_key, detail
    FROM given
    CROSS JOIN clock
    WHERE fate = {fate.unroutable}
),
cancelled AS (
    INSERT INTO {schema}.finished
        (id, lane, seq, config_version, finished_at, endpoint_id, attempts, status, marks)
    SELECT id, lane, seq, config_version, clock.now, endpoint_id, 0, {finished.cancelled}, marks
    FROM given
    CROSS JOIN clock
    WHERE fate = {fate.cancelled}
),
judged AS (
    INSERT INTO {schema}.verdict (event_id, kind, duplicate_of, config_version)
    SELECT * FROM unnest($10::uuid[], $11::smallint[], $12::uuid[], $13::bigint[])
),
owed AS (
    INSERT INTO {schema}.delivery (id, lane, due_at, seq, config_version, endpoint_id, shard, marks, ordering_key)
    SELECT id, lane, clock.now, seq, config_version, endpoint_id, lane & 63, marks, ordering_key
    FROM given
    CROSS JOIN clock
    WHERE fate = {fate.owed}
)
SELECT now FROM clock
