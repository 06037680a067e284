-- The head of each ordering key (its smallest unfinished seq, whatever its due_at), as far as it is due and no
-- blocking dead letter stands before it. (SQLite: the time is an argument.)
WITH clock AS MATERIALIZED (SELECT {schema}.clock() AS now)
SELECT clock.now, due.*
FROM clock
LEFT JOIN LATERAL (
    SELECT {part.due_columns}
    FROM unnest($1::bigint[], $2::text[]) AS wanted (lane, ordering_key)
    CROSS JOIN LATERAL (
        SELECT d.*
        FROM {schema}.delivery d
        WHERE d.lane = wanted.lane AND d.ordering_key = wanted.ordering_key
        ORDER BY d.seq
        LIMIT 1
    ) d
    WHERE d.due_at <= (SELECT now FROM clock)
      AND {part.nothing_blocks}
    ORDER BY d.shard, d.due_at, d.id
) due ON true
