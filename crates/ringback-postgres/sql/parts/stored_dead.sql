-- What cannot be routed is a dead letter at once.
dead AS (
    INSERT INTO {schema}.dead_letter
        (id, lane, died_at, seq, config_version, endpoint_id, attempts, attempts_at_refill, reason, marks,
         ordering_key, detail, tenant, type)
    SELECT id, lane, clock.now, seq, config_version, endpoint_id, 0, 0, {reason.unroutable}, marks, ordering_key, detail,
           tenant, type
    FROM given
    CROSS JOIN clock
    WHERE fate = {fate.unroutable}
)
