-- The migrations that have run, in order. (PostgreSQL: in `schema.rs`.)
SELECT number, checksum
FROM ringback_migration
ORDER BY number
