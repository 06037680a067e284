-- 0 in a file that no migration has seen. (PostgreSQL: the table is looked for in the catalogue.)
SELECT count(*)
FROM sqlite_schema
WHERE type = 'table'
  AND name = 'ringback_migration'
