-- Dead letters of deliveries that were held for too long; a replay of a delivered one is finished already. If an
-- ordered endpoint blocks on dead letters, these block, too. `spec` is searched as text, as the engine writes it: one
-- that cannot be read must not keep all others from expiring. A stale attempt does not count as the last one. ?1 ids,
-- ?2 now. (PostgreSQL: in expire_held.)
INSERT INTO ringback_dead_letter (id, lane, died_at, seq, config_version, endpoint_id, attempts, attempts_at_refill,
                                  last_status, reason, last_error, marks, blocks, ordering_key)
SELECT d.id,
       d.lane,
       ?2,
       d.seq,
       d.config_version,
       d.endpoint_id,
       d.attempts,
       d.attempts_at_refill,
       (SELECT a.answered
        FROM ringback_attempt AS a
        WHERE a.delivery_id = d.id AND a.conclusion <> {conclusion.stale}
        ORDER BY a.number DESC
        LIMIT 1),
       {reason.expired},
       (SELECT a.error
        FROM ringback_attempt AS a
        WHERE a.delivery_id = d.id AND a.conclusion <> {conclusion.stale}
        ORDER BY a.number DESC
        LIMIT 1),
       d.marks,
       d.ordering_key IS NOT NULL AND coalesce(instr(p.spec, '"on_dead":"block"') > 0, 0),
       d.ordering_key
FROM json_each(?1) AS old
CROSS JOIN ringback_delivery AS d ON d.id = unhex(old.value)
LEFT JOIN ringback_endpoint AS p ON p.id = d.endpoint_id
WHERE d.marks & {marks.delivered_before} = 0
