-- Events without pending deliveries and dead letters, with the counts for the ledger's past. ?1 < seq <= ?2, older than
-- ?3. (PostgreSQL: count_dropped, before a partition is dropped.)
SELECT e.id,
       e.tenant,
       v.kind,
       (SELECT count(*) FROM ringback_finished AS f
        WHERE f.id = CAST(substr(e.id, 1, 14) || x'0001' AS BLOB)) AS routed,
       (SELECT count(*) FROM ringback_finished AS f
        WHERE f.id > e.id AND f.id <= CAST(substr(e.id, 1, 14) || x'ffff' AS BLOB) AND f.status = {finished.delivered}) AS delivered,
       (SELECT count(*) FROM ringback_finished AS f
        WHERE f.id > e.id AND f.id <= CAST(substr(e.id, 1, 14) || x'ffff' AS BLOB) AND f.status = {finished.cancelled}) AS cancelled
FROM ringback_event AS e
LEFT JOIN ringback_verdict AS v ON v.event_id = e.id
WHERE e.seq > ?1
  AND e.seq <= ?2
  AND e.id < ?3
  AND {part.is_over}
