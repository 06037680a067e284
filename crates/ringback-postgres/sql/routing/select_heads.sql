-- Those of these deliveries that are the heads of their ordering keys. Run in the transaction that inserted them:
-- the inserting statement cannot see its own rows. (SQLite: find_heads.)
SELECT d.id
FROM {schema}.delivery d
JOIN unnest($1::uuid[]) AS inserted (id) USING (id)
WHERE NOT EXISTS (SELECT FROM {schema}.delivery earlier
                  WHERE earlier.lane = d.lane AND earlier.ordering_key = d.ordering_key AND earlier.seq < d.seq)
  AND {part.nothing_blocks}
