-- ?1 rows {id, lane, endpoint, seq, config_version, marks, ordering_key, deliver_after, expires_at}, ?2
-- now. (PostgreSQL: insert_routed.)
INSERT INTO ringback_delivery (id, shard, lane, due_at, seq, config_version, endpoint_id, marks, ordering_key,
                               expires_at)
SELECT unhex(value ->> 'id'),
       (value ->> 'lane') & 63,
       value ->> 'lane',
       max(?2, coalesce(value ->> 'deliver_after', ?2)),
       value ->> 'seq',
       value ->> 'config_version',
       unhex(value ->> 'endpoint'),
       value ->> 'marks',
       value ->> 'ordering_key',
       value ->> 'expires_at'
FROM jsonb_each(?1)
