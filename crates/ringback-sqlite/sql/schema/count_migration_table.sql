-- 0 in a file that no migration has seen.
SELECT count(*)
FROM sqlite_schema
WHERE type = 'table'
  AND name = 'ringback_migration'
