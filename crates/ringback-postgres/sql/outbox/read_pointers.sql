-- Pointers from the floor on, the oldest transaction that may still be running, and the configuration version, all
-- of one snapshot. Below the floor nothing can appear any more, so dead rows there are not walked.
-- (SQLite: by seq alone, as commits are in its order; the events are joined.)
SELECT snapshot.xmin, snapshot.version, pointer.*
FROM (
    SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS xmin, version FROM {schema}.config
) snapshot
LEFT JOIN LATERAL (
    SELECT xid::text::bigint AS xid, seq, event_id
    FROM {schema}.outbox
    WHERE outbox.xid >= $1::bigint::text::xid8
    ORDER BY outbox.xid, outbox.seq
    LIMIT $2
) pointer ON true
