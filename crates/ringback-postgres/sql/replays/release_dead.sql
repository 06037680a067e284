-- Puts dead letters back into their lanes, due now, with a new budget of attempts.
-- (SQLite: copied here, removed by delete_dead_letters.)
WITH revived AS (
    DELETE FROM {schema}.dead_letter WHERE id = ANY ($1::uuid[]) RETURNING *
)
INSERT INTO {schema}.delivery
    (id, lane, due_at, seq, config_version, endpoint_id, attempts, attempts_at_refill, shard, marks, ordering_key)
SELECT id, lane, {schema}.clock(), seq, config_version, endpoint_id, attempts, attempts, lane & 63, marks | {marks.replay}, ordering_key
FROM revived
RETURNING id
