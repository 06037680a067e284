-- Cancels what is pending or dead of an event; replays of delivered ones are only removed.
WITH pending AS (
    DELETE FROM {schema}.delivery WHERE id > $1 AND id <= {schema}.last_of($1) RETURNING *
),
dead AS (
    DELETE FROM {schema}.dead_letter WHERE id > $1 AND id <= {schema}.last_of($1) RETURNING *
)
INSERT INTO {schema}.finished (id, lane, seq, config_version, finished_at, endpoint_id, attempts, status, marks)
SELECT id, lane, seq, config_version, {schema}.clock(), endpoint_id, attempts, 2, marks FROM pending WHERE marks & 4 = 0
UNION ALL
SELECT id, lane, seq, config_version, {schema}.clock(), endpoint_id, attempts, 2, marks FROM dead
