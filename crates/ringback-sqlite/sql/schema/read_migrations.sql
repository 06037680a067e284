-- The migrations that have run, in order.
SELECT number, checksum
FROM ringback_migration
ORDER BY number
