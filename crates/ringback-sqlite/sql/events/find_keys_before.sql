-- Keys before ?1, the nearest first, of the ?2 events that come before; ?3 tenant.
SELECT key
FROM (SELECT key, tenant FROM ringback_event WHERE key < ?1 ORDER BY key DESC LIMIT ?2) AS e
WHERE (?3 IS NULL OR tenant = ?3)
ORDER BY key DESC
