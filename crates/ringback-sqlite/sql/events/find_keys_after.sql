-- Keys from ?1 on, in the order of the index, of the ?2 events that come next; ?3 tenant.
SELECT key
FROM (SELECT key, tenant FROM ringback_event WHERE key >= ?1 ORDER BY key LIMIT ?2) AS e
WHERE (?3 IS NULL OR tenant = ?3)
ORDER BY key
