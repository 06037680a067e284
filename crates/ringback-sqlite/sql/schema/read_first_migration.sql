-- When the first migration ran, which differs from database to database.
SELECT run_at
FROM ringback_migration
ORDER BY number
LIMIT 1
