-- What has run, in order.
SELECT number, checksum
FROM ringback_migration
ORDER BY number
