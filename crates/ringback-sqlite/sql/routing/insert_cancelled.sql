-- Deliveries that are cancelled at once: their event was expunged, or their endpoint deleted, since they were routed.
-- ?1 rows as for insert_deliveries, ?2 now. (PostgreSQL: insert_routed.)
INSERT INTO ringback_finished (id, lane, seq, config_version, finished_at, endpoint_id, attempts, status, marks)
SELECT unhex(value ->> 'id'),
       value ->> 'lane',
       value ->> 'seq',
       value ->> 'config_version',
       ?2,
       unhex(value ->> 'endpoint'),
       0,
       {finished.cancelled},
       value ->> 'marks'
FROM jsonb_each(?1)
