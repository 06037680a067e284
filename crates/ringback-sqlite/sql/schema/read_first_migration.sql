-- When the first migration ran, which differs from database to database. (PostgreSQL: there is no file to overwrite.)
SELECT run_at
FROM ringback_migration
ORDER BY number
LIMIT 1
