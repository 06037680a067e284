-- The delivery with the smallest seq of each ordering key, if it is due and no dead letter stands before it.
-- ?1 rows {lane, key}, ?2 now. (PostgreSQL: the time is the database's, and comes with each row.)
SELECT {part.due_columns}
FROM jsonb_each(?1) AS wanted
CROSS JOIN ringback_delivery AS d
    ON d.id = (
        SELECT first.id
        FROM ringback_delivery AS first
        WHERE first.lane = wanted.value ->> 'lane'
          AND first.ordering_key = wanted.value ->> 'key'
        ORDER BY first.seq
        LIMIT 1
    )
WHERE d.due_at <= ?2
  AND {part.nothing_blocks}
ORDER BY d.shard, d.due_at, d.id
