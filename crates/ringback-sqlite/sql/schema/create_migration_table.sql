-- The first statement of every migration run.
-- (PostgreSQL: the schema has to be created before, so both are in `schema.rs`.)
CREATE TABLE IF NOT EXISTS ringback_migration (
    number   INTEGER PRIMARY KEY,
    name     TEXT    NOT NULL,
    checksum TEXT    NOT NULL,
    run_at   INTEGER NOT NULL
) STRICT
