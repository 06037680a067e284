-- ?1 the version that the caller knows, ?2 how many.
-- (PostgreSQL: the version and the log's reach in this statement, so that all is of one snapshot.)
SELECT version, kind, subject
FROM ringback_change
WHERE version > ?1
ORDER BY version
LIMIT ?2
