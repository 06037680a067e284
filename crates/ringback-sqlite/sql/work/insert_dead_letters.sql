-- ?1 rows {id, attempts, reason, blocks, last_status, last_error, detail}, ?2 now. (PostgreSQL: in record_outcomes.)
INSERT INTO ringback_dead_letter (id, lane, died_at, seq, config_version, endpoint_id, attempts, attempts_at_refill,
                                  last_status, reason, last_error, marks, blocks, ordering_key, detail)
SELECT d.id,
       d.lane,
       ?2,
       d.seq,
       d.config_version,
       d.endpoint_id,
       o.value ->> 'attempts',
       d.attempts_at_refill,
       o.value ->> 'last_status',
       o.value ->> 'reason',
       o.value ->> 'last_error',
       d.marks,
       o.value ->> 'blocks',
       d.ordering_key,
       o.value ->> 'detail'
FROM jsonb_each(?1) AS o
CROSS JOIN ringback_delivery AS d ON d.id = unhex(o.value ->> 'id')
