-- Remembers that a migration has run. (PostgreSQL: in `schema.rs`.)
INSERT INTO ringback_migration (number, name, checksum, run_at)
VALUES (?1, ?2, ?3, ?4)
