-- One tenant's ledger, as count_ledger. Deliveries to an endpoint are counted by the endpoint's tenant; only inline
-- deliveries, which have no endpoint, are joined to their events, because computing the event of each takes long.
-- (SQLite: from the tenant's events to their deliveries, over indexes.)
WITH mine AS MATERIALIZED (
    SELECT id FROM {schema}.event WHERE tenant = $5 AND id >= $1 AND id < $2
),
-- kind: the status of a delivery.
deliveries AS NOT MATERIALIZED (
    SELECT id, endpoint_id, {status.pending} AS kind FROM {schema}.delivery WHERE id >= $1 AND id < $2 AND marks < {marks.delivered_before}
    UNION ALL
    SELECT id, endpoint_id, {status.dead} FROM {schema}.dead_letter WHERE id >= $1 AND id < $2
    UNION ALL
    SELECT id, endpoint_id, CASE status WHEN {finished.delivered} THEN {status.delivered} ELSE {status.cancelled} END FROM {schema}.finished WHERE id >= $1 AND id < $2
),
counted AS (
    SELECT kind, count(*) AS count, count(*) FILTER (WHERE substring(uuid_send(id) FROM 15) = '\x0001') AS first
    FROM (
        SELECT d.id, d.kind
        FROM deliveries d
        JOIN {schema}.endpoint p ON p.id = d.endpoint_id
        WHERE p.tenant = $5
        UNION ALL
        SELECT d.id, d.kind
        FROM (
            SELECT id, kind, {schema}.event_of(id) AS event_id
            FROM deliveries
            WHERE NOT EXISTS (SELECT FROM {schema}.endpoint p WHERE p.id = endpoint_id)
            OFFSET 0
        ) d
        JOIN mine ON mine.id = d.event_id
    ) d
    GROUP BY kind
)
SELECT
    (SELECT count(*) FROM mine) + past.accepted AS accepted,
    (SELECT count(*) FROM {schema}.outbox o JOIN mine ON mine.id = o.event_id) AS unrouted,
    verdicts.duplicate + past.duplicate AS duplicate,
    verdicts.unmatched + past.unmatched AS unmatched,
    coalesce((SELECT sum(first) FROM counted), 0)::bigint + past.routed AS routed,
    coalesce((SELECT count FROM counted WHERE kind = {status.pending}), 0) AS pending,
    coalesce((SELECT count FROM counted WHERE kind = {status.delivered}), 0) + past.delivered AS delivered,
    coalesce((SELECT count FROM counted WHERE kind = {status.dead}), 0) + past.dead AS dead,
    coalesce((SELECT count FROM counted WHERE kind = {status.cancelled}), 0) + past.cancelled AS cancelled
FROM (
    SELECT count(*) FILTER (WHERE kind = {verdict.duplicate}) AS duplicate, count(*) FILTER (WHERE kind = {verdict.unmatched}) AS unmatched
    FROM {schema}.verdict v JOIN mine ON mine.id = v.event_id WHERE v.event_id >= $1 AND v.event_id < $2
) verdicts,
(
    SELECT {part.past_sums}
    FROM {schema}.ledger_past
    WHERE tenant = $5 AND day >= date '1970-01-01' + $3::integer AND day < date '1970-01-01' + $4::integer
) past
