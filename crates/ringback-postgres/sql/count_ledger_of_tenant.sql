-- One tenant's ledger: as count_ledger, each table joined to the tenant's events.
WITH mine AS MATERIALIZED (
    SELECT id FROM {schema}.event WHERE tenant = $5 AND id >= $1 AND id < $2
)
SELECT
    (SELECT count(*) FROM mine) + past.accepted AS accepted,
    (SELECT count(*) FROM {schema}.outbox o JOIN mine ON mine.id = o.event_id) AS unrouted,
    verdicts.duplicate + past.duplicate AS duplicate,
    verdicts.unmatched + past.unmatched AS unmatched,
    pending.first + dead.first + finished.first + past.routed AS routed,
    pending.count AS pending,
    finished.delivered + past.delivered AS delivered,
    dead.count + past.dead AS dead,
    finished.cancelled + past.cancelled AS cancelled
FROM (
    SELECT count(*) FILTER (WHERE kind = 2) AS duplicate, count(*) FILTER (WHERE kind = 1) AS unmatched
    FROM {schema}.verdict v JOIN mine ON mine.id = v.event_id WHERE v.event_id >= $1 AND v.event_id < $2
) verdicts,
(
    SELECT count(*), count(*) FILTER (WHERE {schema}.is_first(d.id)) AS first
    FROM {schema}.delivery d JOIN mine ON mine.id = {schema}.event_of(d.id)
    WHERE d.id >= $1 AND d.id < $2 AND d.marks < 4
) pending,
(
    SELECT count(*), count(*) FILTER (WHERE {schema}.is_first(d.id)) AS first
    FROM {schema}.dead_letter d JOIN mine ON mine.id = {schema}.event_of(d.id) WHERE d.id >= $1 AND d.id < $2
) dead,
(
    SELECT count(*) FILTER (WHERE f.status = 1) AS delivered, count(*) FILTER (WHERE f.status = 2) AS cancelled,
           count(*) FILTER (WHERE {schema}.is_first(f.id)) AS first
    FROM {schema}.finished f JOIN mine ON mine.id = {schema}.event_of(f.id) WHERE f.id >= $1 AND f.id < $2
) finished,
(
    SELECT coalesce(sum(accepted), 0)::bigint AS accepted, coalesce(sum(duplicate), 0)::bigint AS duplicate,
           coalesce(sum(unmatched), 0)::bigint AS unmatched, coalesce(sum(routed), 0)::bigint AS routed,
           coalesce(sum(delivered), 0)::bigint AS delivered, coalesce(sum(dead), 0)::bigint AS dead,
           coalesce(sum(cancelled), 0)::bigint AS cancelled
    FROM {schema}.ledger_past
    WHERE tenant = $5 AND day >= date '1970-01-01' + $3::integer AND day < date '1970-01-01' + $4::integer
) past
