-- Records outcomes: one statement, one commit. `fence` is the number of attempts the delivery had when it was sent; if
-- the row has another by now, the outcome is stale: it changes nothing, and its attempt is stored as stale. kind: the
-- settlement. A delivery that had been delivered before is only removed. Returns the positions of two kinds of
-- outcomes: stale ones, and those of replays of delivered deliveries. They are compared by IN, which uses a hash table
-- whatever the planner expects: it takes 512 rows for a few, and a join would become a nested loop. (SQLite:
-- read_fences, then one statement for each table, such as update_deliveries.)
WITH clock AS MATERIALIZED (SELECT {schema}.clock() AS now),
outcome AS MATERIALIZED (
    SELECT *
    FROM unnest($1::uuid[], $2::integer[], $3::smallint[], $4::bigint[], $5::smallint[], $6::text[], $7::boolean[],
                $8::integer[], $9::bigint[], $10::smallint[], $11::integer[], $12::smallint[], $13::smallint[],
                $14::boolean[], $15::bigint[], $16::bytea[], $17::bytea[])
         WITH ORDINALITY
         AS o (id, fence, kind, after, reason, why, blocks,
               number, at, conclusion, answered, error, phase,
               ambiguous, duration, detail, response_body, position)
),
-- Rows are locked in the order of their ids, as everywhere. What is removed is removed in that order, and so is what is
-- rescheduled; a batch of both ($18) would begin twice, so it locks its rows before.
locked AS MATERIALIZED (
    SELECT d.id
    FROM outcome o
    JOIN {schema}.delivery d ON d.id = o.id
    WHERE $18
    ORDER BY d.id
    FOR UPDATE OF d
),
-- Carries its outcome along, so that nothing has to be joined back.
removed AS (
    DELETE FROM {schema}.delivery d
    USING outcome o
    WHERE d.id = o.id AND d.attempts = o.fence AND o.kind IN ({settlement.delivered}, {settlement.dead}) AND (SELECT count(*) FROM locked) >= 0
    RETURNING d.id, d.lane, d.seq, d.config_version, d.endpoint_id, d.attempts, d.attempts_at_refill, d.marks,
              d.ordering_key,
              o.kind, o.reason, o.why, o.blocks, o.number, o.at, o.answered, o.error, o.duration, o.detail,
              o.response_body, o.position
),
rescheduled AS (
    UPDATE {schema}.delivery d
    SET due_at = CASE o.kind WHEN {settlement.retry} THEN clock.now + o.after ELSE d.due_at END,
        attempts = d.attempts + (o.number IS NOT NULL)::integer
    FROM outcome o
    CROSS JOIN clock
    WHERE d.id = o.id AND d.attempts = o.fence AND o.kind IN ({settlement.retry}, {settlement.keep}) AND (SELECT count(*) FROM locked) >= 0
    RETURNING d.marks, o.position
),
delivered AS (
    INSERT INTO {schema}.finished
        (id, lane, seq, config_version, finished_at, endpoint_id, attempts, status, marks,
         number, answered, at, duration, detail, response_body)
    SELECT id, lane, seq, config_version, clock.now, endpoint_id, attempts + 1, {finished.delivered}, marks,
           number, answered, at, duration, detail, response_body
    FROM removed
    CROSS JOIN clock
    WHERE kind = {settlement.delivered} AND marks & {marks.delivered_before} = 0
),
dead AS (
    INSERT INTO {schema}.dead_letter
        (id, lane, died_at, seq, config_version, endpoint_id, attempts, attempts_at_refill, last_status, reason,
         last_error, marks, blocks, ordering_key, detail)
    SELECT id, lane, clock.now, seq, config_version, endpoint_id,
           attempts + (number IS NOT NULL)::integer, attempts_at_refill, answered, reason,
           error, marks, blocks AND ordering_key IS NOT NULL, ordering_key, why
    FROM removed
    CROSS JOIN clock
    WHERE kind = {settlement.dead} AND marks & {marks.delivered_before} = 0
),
tried AS (
    INSERT INTO {schema}.attempt
        (delivery_id, at, duration, number, answered, conclusion, error, phase, ambiguous, detail, response_body)
    SELECT id, at, duration, number, answered,
           CASE WHEN position IN (SELECT position FROM removed) OR position IN (SELECT position FROM rescheduled)
                THEN conclusion ELSE {conclusion.stale} END,
           error, phase, ambiguous, detail, response_body
    FROM outcome
    -- What delivered a delivery is inside its finished row.
    WHERE number IS NOT NULL
      AND position NOT IN (SELECT position FROM removed WHERE kind = {settlement.delivered} AND marks & {marks.delivered_before} = 0)
),
replayed AS (
    UPDATE {schema}.replay_item item
    SET outcome = CASE removed.kind WHEN {settlement.delivered} THEN {outcome.delivered} ELSE {outcome.dead} END
    FROM removed
    WHERE removed.marks & {marks.replay} <> 0 AND item.delivery_id = removed.id AND item.released AND item.outcome IS NULL
)
SELECT position - 1 AS position, true AS is_stale
FROM outcome
WHERE position NOT IN (SELECT position FROM removed) AND position NOT IN (SELECT position FROM rescheduled)
UNION ALL
SELECT position - 1, false
FROM removed
WHERE marks & {marks.delivered_before} <> 0
UNION ALL
SELECT position - 1, false
FROM rescheduled
WHERE marks & {marks.delivered_before} <> 0
