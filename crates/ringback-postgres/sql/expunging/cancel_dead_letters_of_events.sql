-- Cancels the dead letters of events. (SQLite: cancel_dead_letters, then delete_dead_letters_between.)
WITH dead AS (
    DELETE FROM {schema}.dead_letter d
    USING unnest($1::uuid[]) AS given (id)
    WHERE d.id > given.id AND d.id <= {schema}.last_of(given.id)
    RETURNING d.*
)
INSERT INTO {schema}.finished (id, lane, seq, config_version, finished_at, endpoint_id, attempts, status, marks)
SELECT id, lane, seq, config_version, {schema}.clock(), endpoint_id, attempts, {finished.cancelled}, marks FROM dead
