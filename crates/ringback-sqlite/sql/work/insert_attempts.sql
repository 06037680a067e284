-- ?1 rows {delivery, at, duration, number, answered, conclusion, error, phase, ambiguous, detail_at, detail_size,
-- body_at, body_size}, ?2 their bytes one after the other. (PostgreSQL: in record_outcomes.)
INSERT INTO ringback_attempt (delivery_id, at, duration, number, answered, conclusion, error, phase, ambiguous,
                              detail, response_body)
SELECT unhex(value ->> 'delivery'),
       value ->> 'at',
       value ->> 'duration',
       value ->> 'number',
       value ->> 'answered',
       value ->> 'conclusion',
       value ->> 'error',
       value ->> 'phase',
       value ->> 'ambiguous',
       substr(?2, value ->> 'detail_at', value ->> 'detail_size'),
       substr(?2, value ->> 'body_at', value ->> 'body_size')
FROM jsonb_each(?1)
