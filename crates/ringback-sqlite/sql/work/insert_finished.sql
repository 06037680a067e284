-- Delivered. ?1 rows {id, attempts, number, answered, at, duration, detail_at, detail_size, body_at, body_size},
-- ?2 their bytes one after the other, ?3 now. (PostgreSQL: in record_outcomes.)
INSERT INTO ringback_finished (id, lane, seq, config_version, finished_at, endpoint_id, attempts, status, marks,
                               number, answered, at, duration, detail, response_body)
SELECT d.id,
       d.lane,
       d.seq,
       d.config_version,
       ?3,
       d.endpoint_id,
       o.value ->> 'attempts',
       {finished.delivered},
       d.marks,
       o.value ->> 'number',
       o.value ->> 'answered',
       o.value ->> 'at',
       o.value ->> 'duration',
       substr(?2, o.value ->> 'detail_at', o.value ->> 'detail_size'),
       substr(?2, o.value ->> 'body_at', o.value ->> 'body_size')
FROM jsonb_each(?1) AS o
CROSS JOIN ringback_delivery AS d ON d.id = unhex(o.value ->> 'id')
