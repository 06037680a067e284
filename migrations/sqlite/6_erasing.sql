-- Expunging many events at once, with a receipt that stays. Rows of `expunge` are never removed. state: 1 running,
-- 2 completed. `filter` is as it is shown (JSON): a key that was to be erased is not in it. `digest` is SHA-256 over the
-- printed ids, in order, each with a line feed.

CREATE TABLE ringback_expunge (
    id            BLOB    NOT NULL PRIMARY KEY,
    tenant        TEXT    NOT NULL,
    state         INTEGER NOT NULL,
    filter        TEXT    NOT NULL,
    erases_keys   INTEGER NOT NULL,
    matched       INTEGER NOT NULL,
    bytes         INTEGER NOT NULL,
    expunged      INTEGER NOT NULL DEFAULT 0,
    skipped       INTEGER NOT NULL DEFAULT 0,
    payload_bytes INTEGER NOT NULL DEFAULT 0,
    cancelled     INTEGER NOT NULL DEFAULT 0,
    attempts      INTEGER NOT NULL DEFAULT 0,
    position      BLOB    NOT NULL DEFAULT x'00000000000000000000000000000000',
    digest        TEXT,
    who           TEXT    NOT NULL,
    created_at    INTEGER NOT NULL,
    finished_at   INTEGER,
    CONSTRAINT expunge_has_a_known_state CHECK (state IN (1, 2)),
    CONSTRAINT expunge_ends_with_a_receipt CHECK ((state = 2) = (finished_at IS NOT NULL AND digest IS NOT NULL)),
    CONSTRAINT expunge_looks_at_each_once CHECK (expunged + skipped <= matched)
) STRICT;

CREATE INDEX ringback_expunge_running ON ringback_expunge (id) WHERE state = 1;

-- The fixed set that the filter of an expunge found; removed once the receipt is written.
CREATE TABLE ringback_expunge_item (
    expunge_id BLOB NOT NULL,
    event_id   BLOB NOT NULL,
    PRIMARY KEY (expunge_id, event_id)
) STRICT, WITHOUT ROWID;
