-- Every count of one moment. ?1 <= id < ?2; of what was dropped, the days from ?3 to ?4. Reads no payload: all but
-- the dead letters' and verdicts' counts come from indexes alone. (PostgreSQL: each table is counted once.)
WITH past AS (
    SELECT {part.past_sums}
    FROM ringback_ledger_past
    WHERE day >= ?3
      AND day <= ?4
),
live AS (
    SELECT (SELECT count(*) FROM ringback_event WHERE id >= ?1 AND id < ?2) AS accepted,
           (SELECT count(*) FROM ringback_outbox WHERE event_id >= ?1 AND event_id < ?2) AS unrouted,
           (SELECT count(*) FROM ringback_verdict WHERE event_id >= ?1 AND event_id < ?2 AND kind = {verdict.duplicate}) AS duplicate,
           (SELECT count(*) FROM ringback_verdict WHERE event_id >= ?1 AND event_id < ?2 AND kind = {verdict.unmatched}) AS unmatched,
           (SELECT count(*) FROM ringback_delivery
            WHERE id >= ?1 AND id < ?2 AND marks & {marks.delivered_before} = 0 AND substr(id, 15) = x'0001')
           + (SELECT count(*) FROM ringback_dead_letter WHERE id >= ?1 AND id < ?2 AND substr(id, 15) = x'0001')
           + (SELECT count(*) FROM ringback_finished WHERE id >= ?1 AND id < ?2 AND substr(id, 15) = x'0001')
               AS routed,
           (SELECT count(*) FROM ringback_delivery WHERE id >= ?1 AND id < ?2 AND marks & {marks.delivered_before} = 0) AS pending,
           (SELECT count(*) FROM ringback_dead_letter WHERE id >= ?1 AND id < ?2) AS dead,
           (SELECT count(*) FROM ringback_finished WHERE id >= ?1 AND id < ?2) AS finished,
           (SELECT count(*) FROM ringback_finished WHERE id >= ?1 AND id < ?2 AND status = {finished.cancelled}) AS cancelled
)
SELECT live.accepted + past.accepted AS accepted,
       live.unrouted AS unrouted,
       live.duplicate + past.duplicate AS duplicate,
       live.unmatched + past.unmatched AS unmatched,
       live.routed + past.routed AS routed,
       live.pending AS pending,
       live.finished - live.cancelled + past.delivered AS delivered,
       live.dead + past.dead AS dead,
       live.cancelled + past.cancelled AS cancelled
FROM live, past
