-- Cancels deliveries that were routed while their endpoint was being deleted or their event expunged: the node that
-- routed them could not see that yet. (SQLite: one writer at a time, so there are none.)
WITH straggling AS MATERIALIZED (
    SELECT d.id
    FROM {schema}.endpoint e
    JOIN {schema}.delivery d ON d.lane = e.lane AND d.endpoint_id = e.id
    WHERE e.deleted_at > (SELECT {schema}.clock()) - $1::bigint
    UNION
    SELECT d.id
    FROM {schema}.change c
    JOIN {schema}.delivery d ON d.id > c.subject AND d.id <= {schema}.last_of(c.subject)
    WHERE c.kind = {change.event_expunged}
    LIMIT $2
),
locked AS MATERIALIZED (
    SELECT d.id FROM {schema}.delivery d JOIN straggling USING (id) ORDER BY d.id FOR UPDATE OF d SKIP LOCKED
),
removed AS (
    DELETE FROM {schema}.delivery d USING locked WHERE d.id = locked.id RETURNING d.*
),
cancelled AS (
    INSERT INTO {schema}.finished (id, lane, seq, config_version, finished_at, endpoint_id, attempts, status, marks)
    SELECT id, lane, seq, config_version, {schema}.clock(), endpoint_id, attempts, {finished.cancelled}, marks
    FROM removed
    WHERE marks & {marks.delivered_before} = 0
)
SELECT count(*) FROM removed
