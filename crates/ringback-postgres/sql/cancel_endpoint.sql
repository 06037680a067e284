-- An endpoint is deleted: its pending deliveries become cancelled; replays of delivered ones are only removed.
WITH removed AS (
    DELETE FROM {schema}.delivery WHERE lane = $1 AND endpoint_id = $2 RETURNING *
)
INSERT INTO {schema}.finished (id, lane, seq, config_version, finished_at, endpoint_id, attempts, status, marks)
SELECT id, lane, seq, config_version, {schema}.clock(), endpoint_id, attempts, 2, marks
FROM removed
WHERE marks & 4 = 0
