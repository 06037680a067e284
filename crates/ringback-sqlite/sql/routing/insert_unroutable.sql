-- Dead at once, without an attempt. ?1 rows as for insert_deliveries with {detail}, ?2 now.
-- (PostgreSQL: insert_routed.)
INSERT INTO ringback_dead_letter (id, lane, died_at, seq, config_version, endpoint_id, attempts, attempts_at_refill,
                                  reason, marks, ordering_key, detail)
SELECT unhex(value ->> 'id'),
       value ->> 'lane',
       ?2,
       value ->> 'seq',
       value ->> 'config_version',
       unhex(value ->> 'endpoint'),
       0,
       0,
       {reason.unroutable},
       value ->> 'marks',
       value ->> 'ordering_key',
       value ->> 'detail'
FROM jsonb_each(?1)
