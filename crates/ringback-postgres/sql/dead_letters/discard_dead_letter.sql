-- Moves a dead letter to cancelled. (SQLite: cancel_dead_letters, then delete_dead_letters_between.)
WITH discarded AS (
    DELETE FROM {schema}.dead_letter WHERE id = $1 RETURNING *
)
INSERT INTO {schema}.finished (id, lane, seq, config_version, finished_at, endpoint_id, attempts, status, marks)
SELECT id, lane, seq, config_version, {schema}.clock(), endpoint_id, attempts, {finished.cancelled}, marks FROM discarded
