-- What is known of the endpoints $1 with the lanes $2: how their receivers do, a hold that has not ended, and what is
-- pending, counted up to $3 of each lane by the index (lane, due_at, id), which LIMIT within LATERAL makes the only way.
-- (SQLite: scalar subqueries.)
WITH clock AS MATERIALIZED (SELECT {schema}.clock() AS now)
SELECT p.last_success_at, p.last_failure_at, p.succeeding_since, p.failing_since, p.last_error, p.last_status,
       h.reason, h.since, h.until,
       owed.pending, owed.oldest_due_at
FROM unnest($1::uuid[], $2::bigint[]) WITH ORDINALITY AS given (endpoint_id, lane, position)
CROSS JOIN clock
LEFT JOIN {schema}.pulse p ON p.endpoint_id = given.endpoint_id
LEFT JOIN {schema}.hold h ON h.lane = given.lane AND h.until > clock.now
CROSS JOIN LATERAL (
    SELECT count(*) AS pending, min(first.due_at) AS oldest_due_at
    FROM (
        SELECT d.due_at
        FROM {schema}.delivery d
        WHERE d.lane = given.lane AND d.marks & {marks.delivered_before} = 0
        ORDER BY d.lane, d.due_at, d.id
        LIMIT $3
    ) first
) owed
ORDER BY given.position
