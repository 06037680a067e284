-- ?1 rows {id, lane, endpoint, seq, config_version, marks, ordering_key}, ?2 now. (PostgreSQL: insert_routed.)
INSERT INTO ringback_delivery (id, shard, lane, due_at, seq, config_version, endpoint_id, marks, ordering_key)
SELECT unhex(value ->> 'id'),
       (value ->> 'lane') & 63,
       value ->> 'lane',
       ?2,
       value ->> 'seq',
       value ->> 'config_version',
       unhex(value ->> 'endpoint'),
       value ->> 'marks',
       value ->> 'ordering_key'
FROM jsonb_each(?1)
