-- The whole installation's ledger: every count of one snapshot, each table counted on its own. The condition on
-- the last two bytes of an id is `is_first`, written so that it takes a third of the time.
-- (SQLite: each count on its own, because each then comes from an index alone.)
SELECT
    (SELECT count(*) FROM {schema}.event WHERE id >= $1 AND id < $2) + past.accepted AS accepted,
    (SELECT count(*) FROM {schema}.outbox WHERE event_id >= $1 AND event_id < $2) AS unrouted,
    verdicts.duplicate + past.duplicate AS duplicate,
    verdicts.unmatched + past.unmatched AS unmatched,
    pending.first + dead.first + finished.first + past.routed AS routed,
    pending.count AS pending,
    finished.delivered + past.delivered AS delivered,
    dead.count + past.dead AS dead,
    finished.cancelled + past.cancelled AS cancelled
FROM (
    SELECT count(*) FILTER (WHERE kind = {verdict.duplicate}) AS duplicate, count(*) FILTER (WHERE kind = {verdict.unmatched}) AS unmatched
    FROM {schema}.verdict WHERE event_id >= $1 AND event_id < $2
) verdicts,
(
    SELECT count(*), count(*) FILTER (WHERE substring(uuid_send(id) FROM 15) = '\x0001') AS first
    FROM {schema}.delivery WHERE id >= $1 AND id < $2 AND marks < {marks.delivered_before}
) pending,
(
    SELECT count(*), count(*) FILTER (WHERE substring(uuid_send(id) FROM 15) = '\x0001') AS first
    FROM {schema}.dead_letter WHERE id >= $1 AND id < $2
) dead,
(
    SELECT count(*) FILTER (WHERE status = {finished.delivered}) AS delivered, count(*) FILTER (WHERE status = {finished.cancelled}) AS cancelled,
           count(*) FILTER (WHERE substring(uuid_send(id) FROM 15) = '\x0001') AS first
    FROM {schema}.finished WHERE id >= $1 AND id < $2
) finished,
(
    SELECT {part.past_sums}
    FROM {schema}.ledger_past WHERE day >= date '1970-01-01' + $3::integer AND day < date '1970-01-01' + $4::integer
) past
