-- Every count of one tenant and one moment, from its events on. ?1 <= id < ?2; of what was dropped, the days from ?3
-- to ?4; ?5 the tenant.
-- (PostgreSQL: by the endpoints' tenant, because computing the event of each delivery takes long.)
WITH past AS (
    SELECT {part.past_sums}
    FROM ringback_ledger_past
    WHERE day >= ?3
      AND day <= ?4
      AND tenant = ?5
),
owned AS NOT MATERIALIZED (
    SELECT id, CAST(substr(id, 1, 14) || x'ffff' AS BLOB) AS last
    FROM ringback_event
    WHERE tenant = ?5
      AND id >= ?1
      AND id < ?2
),
pending AS (
    SELECT count(*) AS all_of_them, coalesce(sum(substr(d.id, 15) = x'0001'), 0) AS firsts
    FROM owned AS e CROSS JOIN ringback_delivery AS d ON d.id > e.id AND d.id <= e.last
    WHERE d.marks & {marks.delivered_before} = 0
),
dead AS (
    SELECT count(*) AS all_of_them, coalesce(sum(substr(d.id, 15) = x'0001'), 0) AS firsts
    FROM owned AS e CROSS JOIN ringback_dead_letter AS d ON d.id > e.id AND d.id <= e.last
),
finished AS (
    SELECT count(*) AS all_of_them, coalesce(sum(substr(d.id, 15) = x'0001'), 0) AS firsts
    FROM owned AS e CROSS JOIN ringback_finished AS d ON d.id > e.id AND d.id <= e.last
),
cancelled AS (
    SELECT count(*) AS all_of_them
    FROM ringback_finished AS d CROSS JOIN ringback_event AS e ON e.seq = d.seq
    WHERE d.status = {finished.cancelled} AND d.id >= ?1 AND d.id < ?2 AND e.tenant = ?5
),
verdicts AS (
    SELECT coalesce(sum(v.kind = {verdict.duplicate}), 0) AS duplicate, coalesce(sum(v.kind = {verdict.unmatched}), 0) AS unmatched
    FROM owned AS e CROSS JOIN ringback_verdict AS v ON v.event_id = e.id
)
SELECT (SELECT count(*) FROM owned) + past.accepted AS accepted,
       (SELECT count(*) FROM ringback_outbox AS o CROSS JOIN ringback_event AS e ON e.seq = o.seq
        WHERE e.tenant = ?5 AND e.id >= ?1 AND e.id < ?2) AS unrouted,
       verdicts.duplicate + past.duplicate AS duplicate,
       verdicts.unmatched + past.unmatched AS unmatched,
       pending.firsts + dead.firsts + finished.firsts + past.routed AS routed,
       pending.all_of_them AS pending,
       finished.all_of_them - cancelled.all_of_them + past.delivered AS delivered,
       dead.all_of_them + past.dead AS dead,
       cancelled.all_of_them + past.cancelled AS cancelled
FROM past, pending, dead, finished, cancelled, verdicts
