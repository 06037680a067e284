-- Verdicts of events without deliveries, and what is owed.
judged AS (
    INSERT INTO {schema}.verdict (event_id, kind, duplicate_of, config_version)
    SELECT * FROM unnest($10::uuid[], $11::smallint[], $12::uuid[], $13::bigint[])
),
owed AS (
    INSERT INTO {schema}.delivery (id, lane, due_at, seq, config_version, endpoint_id, shard, marks, ordering_key,
                                   expires_at)
    SELECT id, lane, greatest(clock.now, deliver_after), seq, config_version, endpoint_id, lane & 63, marks, ordering_key, expires_at
    FROM given
    CROSS JOIN clock
    WHERE fate = {fate.owed}
)
