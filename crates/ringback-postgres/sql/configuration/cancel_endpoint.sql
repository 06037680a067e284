-- An endpoint is deleted: its pending deliveries become cancelled; replays of delivered ones are only removed. They are
-- locked in the order of their ids first, as by record_outcomes, so that the two cannot deadlock.
-- (SQLite: copied here, removed by delete_deliveries_of_endpoint; one writer needs no locks.)
WITH locked AS MATERIALIZED (
    SELECT id FROM {schema}.delivery WHERE lane = $1 AND endpoint_id = $2 ORDER BY id FOR UPDATE
),
removed AS (
    DELETE FROM {schema}.delivery d USING locked WHERE d.id = locked.id RETURNING d.*
)
INSERT INTO {schema}.finished (id, lane, seq, config_version, finished_at, endpoint_id, attempts, status, marks)
SELECT id, lane, seq, config_version, {schema}.clock(), endpoint_id, attempts, {finished.cancelled}, marks
FROM removed
WHERE marks & {marks.delivered_before} = 0
