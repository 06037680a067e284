-- Cancels these deliveries; replays of delivered ones are only removed.
-- (SQLite: cancel_event, then delete_deliveries_between.)
WITH pending AS (
    DELETE FROM {schema}.delivery WHERE id = ANY ($1::uuid[]) RETURNING *
)
INSERT INTO {schema}.finished (id, lane, seq, config_version, finished_at, endpoint_id, attempts, status, marks)
SELECT id, lane, seq, config_version, {schema}.clock(), endpoint_id, attempts, {finished.cancelled}, marks FROM pending WHERE marks & {marks.delivered_before} = 0
