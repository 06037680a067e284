-- ?1 the version that the caller knows, ?2 how many.
SELECT version, kind, subject
FROM ringback_change
WHERE version > ?1
ORDER BY version
LIMIT ?2
