-- ?1 rows {event, config_version, duplicate_of, kind}. (PostgreSQL: insert_routed.)
INSERT INTO ringback_verdict (event_id, config_version, duplicate_of, kind)
SELECT unhex(value ->> 'event'), value ->> 'config_version', unhex(value ->> 'duplicate_of'), value ->> 'kind'
FROM jsonb_each(?1)
