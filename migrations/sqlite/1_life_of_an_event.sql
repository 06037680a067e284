-- The life of an event, for SQLite 3.51.3 and later.
--
-- The tables are PostgreSQL's, under the prefix `ringback_` instead of in a schema of their own. What differs:
--
--   * One writer at a time, so the order of `seq` is the order of commits: `event.seq` is the row id, the outbox
--     needs no transaction id, and nothing here can wait for a lock while it holds another.
--   * No partitions: retention deletes in chunks, oldest row ids first, and counts what it drops in `ledger_past`.
--   * No `node` and `shard`: the process that holds the lock on `<database>.lock` owns every shard.
--   * Callers insert into the view `ringback_emit`, so that an event and its outbox pointer are one statement.
--   * Times are microseconds since the epoch by the clock of the processes that use the file, bound by them:
--     they share a machine, and SQLite's own clock has milliseconds only.
--   * Ids are BLOBs of 16 bytes; lists are JSON texts; booleans are 0 and 1.

-- What happened. `payload` stands last: reading any other column never touches its pages.
CREATE TABLE ringback_event (
    seq             INTEGER PRIMARY KEY AUTOINCREMENT,
    id              BLOB    NOT NULL,
    tenant          TEXT    NOT NULL,
    type            TEXT    NOT NULL,
    key             TEXT,
    ordering_key    TEXT,
    idempotency_key TEXT,
    occurred_at     INTEGER NOT NULL,
    endpoint_keys   TEXT,
    destination     TEXT,
    test            INTEGER NOT NULL DEFAULT 0,
    payload_bytes   INTEGER NOT NULL,
    payload_expired INTEGER NOT NULL DEFAULT 0,
    expunged_at     INTEGER,
    payload         BLOB,
    CONSTRAINT event_id_ends_in_zeros CHECK (length(id) = 16 AND substr(id, 15) = x'0000'),
    CONSTRAINT event_payload_is_missing_for_a_reason
        CHECK (payload IS NOT NULL OR expunged_at IS NOT NULL OR payload_expired),
    CONSTRAINT event_goes_to_keys_or_to_a_destination CHECK (endpoint_keys IS NULL OR destination IS NULL)
) STRICT;

CREATE UNIQUE INDEX ringback_event_id ON ringback_event (id);
CREATE INDEX ringback_event_key ON ringback_event (key, id) WHERE key IS NOT NULL;
CREATE INDEX ringback_event_tenant ON ringback_event (tenant, id);

-- Events that callers wrote and nobody has routed yet; a row per event, gone once it is routed.
CREATE TABLE ringback_outbox (
    seq      INTEGER PRIMARY KEY,
    event_id BLOB    NOT NULL
) STRICT;

-- What callers insert into, within transactions of their own. Only inserts, no unique key but the id.
CREATE VIEW ringback_emit AS
SELECT id, tenant, type, key, ordering_key, idempotency_key, occurred_at, endpoint_keys, destination, payload
FROM ringback_event;

CREATE TRIGGER ringback_emit_event INSTEAD OF INSERT ON ringback_emit
BEGIN
    INSERT INTO ringback_event (id, tenant, type, key, ordering_key, idempotency_key, occurred_at, endpoint_keys,
                                destination, payload_bytes, payload)
    VALUES (NEW.id, NEW.tenant, NEW.type, NEW.key, NEW.ordering_key, NEW.idempotency_key, NEW.occurred_at,
            NEW.endpoint_keys, NEW.destination, length(NEW.payload), NEW.payload);
    INSERT INTO ringback_outbox (seq, event_id) VALUES (last_insert_rowid(), NEW.id);
END;

-- How routing ended for events that have no delivery. kind: 1 unmatched, 2 duplicate.
CREATE TABLE ringback_verdict (
    event_id       BLOB    PRIMARY KEY,
    kind           INTEGER NOT NULL,
    duplicate_of   BLOB,
    config_version INTEGER NOT NULL,
    CONSTRAINT verdict_is_unmatched_or_duplicate CHECK (kind IN (1, 2)),
    CONSTRAINT verdict_names_what_it_duplicates CHECK ((kind = 2) = (duplicate_of IS NOT NULL))
) STRICT, WITHOUT ROWID;

-- Deliveries: each is in exactly one of delivery, dead_letter, finished. The one exception is a replay of a
-- delivered one: a second row in delivery, marked (marks & 4), beside its row in finished.
-- A delivery counts as created when its event was accepted, which its id tells.

-- What is still owed. Without row id: the key is what every index holds anyway, so a delivery costs three trees
-- instead of four. `attempts` is the fence of every change; `ordering_key` is set only where order is wanted.
CREATE TABLE ringback_delivery (
    id                 BLOB    NOT NULL PRIMARY KEY,
    shard              INTEGER NOT NULL,
    lane               INTEGER NOT NULL,
    due_at             INTEGER NOT NULL,
    seq                INTEGER NOT NULL,
    config_version     INTEGER NOT NULL,
    endpoint_id        BLOB,
    attempts           INTEGER NOT NULL DEFAULT 0,
    attempts_at_refill INTEGER NOT NULL DEFAULT 0,
    marks              INTEGER NOT NULL DEFAULT 0,
    ordering_key       TEXT,
    CONSTRAINT delivery_shard_is_its_lanes CHECK (shard = (lane & 63)),
    CONSTRAINT delivery_budget_starts_within_its_attempts CHECK (attempts_at_refill BETWEEN 0 AND attempts)
) STRICT, WITHOUT ROWID;

CREATE INDEX ringback_delivery_due ON ringback_delivery (shard, due_at, id);
CREATE INDEX ringback_delivery_lane ON ringback_delivery (lane, due_at, id);
CREATE INDEX ringback_delivery_order ON ringback_delivery (lane, ordering_key, seq) WHERE ordering_key IS NOT NULL;

-- Given up, with the reason. Its event keeps its payload as long. `last_error` is the code of the last attempt's.
CREATE TABLE ringback_dead_letter (
    id                 BLOB    NOT NULL PRIMARY KEY,
    lane               INTEGER NOT NULL,
    died_at            INTEGER NOT NULL,
    seq                INTEGER NOT NULL,
    config_version     INTEGER NOT NULL,
    endpoint_id        BLOB,
    attempts           INTEGER NOT NULL,
    attempts_at_refill INTEGER NOT NULL,
    last_status        INTEGER,
    reason             INTEGER NOT NULL,
    last_error         INTEGER,
    marks              INTEGER NOT NULL,
    blocks             INTEGER NOT NULL DEFAULT 0,
    ordering_key       TEXT,
    detail             TEXT,
    CONSTRAINT dead_letter_has_a_known_reason CHECK (reason BETWEEN 1 AND 4)
) STRICT, WITHOUT ROWID;

CREATE INDEX ringback_dead_letter_age ON ringback_dead_letter (died_at, id);
CREATE INDEX ringback_dead_letter_endpoint ON ringback_dead_letter (endpoint_id, died_at, id);
CREATE INDEX ringback_dead_letter_blocking ON ringback_dead_letter (lane, ordering_key, seq) WHERE blocks;

-- Delivered or cancelled; a delivery that succeeds at once costs this one row, which holds its attempt (number …
-- response_body). status: 1 delivered, 2 cancelled. Only `attempts` ever changes: it grows with replays.
CREATE TABLE ringback_finished (
    row            INTEGER PRIMARY KEY,
    id             BLOB    NOT NULL,
    lane           INTEGER NOT NULL,
    seq            INTEGER NOT NULL,
    config_version INTEGER NOT NULL,
    finished_at    INTEGER NOT NULL,
    endpoint_id    BLOB,
    attempts       INTEGER NOT NULL,
    status         INTEGER NOT NULL,
    marks          INTEGER NOT NULL,
    number         INTEGER,
    answered       INTEGER,
    at             INTEGER,
    duration       INTEGER,
    detail         BLOB,
    response_body  BLOB,
    CONSTRAINT finished_is_delivered_or_cancelled CHECK (status IN (1, 2)),
    CONSTRAINT finished_holds_the_attempt_that_delivered CHECK ((status = 1) = (number IS NOT NULL))
) STRICT;

CREATE UNIQUE INDEX ringback_finished_id ON ringback_finished (id);
CREATE INDEX ringback_finished_endpoint ON ringback_finished (endpoint_id, id);
CREATE INDEX ringback_finished_cancelled ON ringback_finished (id) WHERE status = 2;

-- Attempts, apart from the one inside a finished row. A stale one shares its number with the one that counted.
CREATE TABLE ringback_attempt (
    row           INTEGER PRIMARY KEY,
    delivery_id   BLOB    NOT NULL,
    at            INTEGER NOT NULL,
    duration      INTEGER NOT NULL,
    number        INTEGER NOT NULL,
    answered      INTEGER,
    conclusion    INTEGER NOT NULL,
    error         INTEGER,
    phase         INTEGER,
    ambiguous     INTEGER NOT NULL,
    detail        BLOB    NOT NULL,
    response_body BLOB    NOT NULL
) STRICT;

CREATE INDEX ringback_attempt_delivery ON ringback_attempt (delivery_id, number);

-- Endpoints. `event_types` is a JSON list; `spec` and the sealed `credentials` are the engine's documents.
CREATE TABLE ringback_endpoint (
    id              BLOB    NOT NULL PRIMARY KEY,
    lane            INTEGER NOT NULL,
    version         INTEGER NOT NULL,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    deleted_at      INTEGER,
    enabled         INTEGER NOT NULL,
    paused          INTEGER NOT NULL,
    tenant          TEXT    NOT NULL,
    key             TEXT,
    disabled_reason TEXT,
    event_types     TEXT    NOT NULL,
    spec            TEXT    NOT NULL,
    credentials     BLOB    NOT NULL
) STRICT;

CREATE UNIQUE INDEX ringback_endpoint_key ON ringback_endpoint (tenant, key)
    WHERE deleted_at IS NULL AND key IS NOT NULL;
CREATE INDEX ringback_endpoint_tenant ON ringback_endpoint (tenant, id) WHERE deleted_at IS NULL;

-- What routing sees of an endpoint, kept for each version that changed it, to answer "why not" later.
CREATE TABLE ringback_endpoint_version (
    endpoint_id BLOB    NOT NULL,
    version     INTEGER NOT NULL,
    deleted     INTEGER NOT NULL,
    tenant      TEXT    NOT NULL,
    key         TEXT,
    event_types TEXT    NOT NULL,
    PRIMARY KEY (tenant, endpoint_id, version)
) STRICT, WITHOUT ROWID;

-- The configuration's version, raised by every row of `change`; those up to `forgotten` have been removed.
CREATE TABLE ringback_config (
    only_row  INTEGER NOT NULL PRIMARY KEY DEFAULT 1,
    version   INTEGER NOT NULL,
    forgotten INTEGER NOT NULL,
    CONSTRAINT config_is_one_row CHECK (only_row = 1)
) STRICT;

INSERT INTO ringback_config (version, forgotten) VALUES (0, 0);

-- What every node must know, in order. kind: 1 endpoint, 2 event expunged, 3 delivery released.
CREATE TABLE ringback_change (
    version INTEGER PRIMARY KEY,
    at      INTEGER NOT NULL,
    subject BLOB    NOT NULL,
    kind    INTEGER NOT NULL,
    CONSTRAINT change_has_a_known_kind CHECK (kind IN (1, 2, 3))
) STRICT;

-- A lane may not send until a moment; survives restarts.
CREATE TABLE ringback_hold (
    lane   INTEGER PRIMARY KEY,
    until  INTEGER NOT NULL,
    streak INTEGER NOT NULL,
    shard  INTEGER NOT NULL,
    reason INTEGER NOT NULL
) STRICT;

-- Which event an idempotency key stands for. `content` is null where an event came through the outbox: those are
-- folded whatever their content. A key that is taken over gets a new row: row ids stay in order of `created_at`.
CREATE TABLE ringback_idempotency (
    row        INTEGER PRIMARY KEY,
    tenant     TEXT    NOT NULL,
    type       TEXT    NOT NULL,
    key        TEXT    NOT NULL,
    event_id   BLOB    NOT NULL,
    created_at INTEGER NOT NULL,
    content    BLOB
) STRICT;

CREATE UNIQUE INDEX ringback_idempotency_key ON ringback_idempotency (tenant, type, key);

-- Replays of many. state: 1 running, 2 completed, 3 cancelled. Items up to and including `position` were looked at.
CREATE TABLE ringback_replay (
    id              BLOB    NOT NULL PRIMARY KEY,
    tenant          TEXT,
    state           INTEGER NOT NULL,
    filter          TEXT    NOT NULL,
    reason          TEXT,
    rate_per_second REAL,
    matched         INTEGER NOT NULL,
    released        INTEGER NOT NULL DEFAULT 0,
    skipped         INTEGER NOT NULL DEFAULT 0,
    bytes           INTEGER NOT NULL,
    position        BLOB    NOT NULL DEFAULT x'00000000000000000000000000000000',
    created_at      INTEGER NOT NULL,
    finished_at     INTEGER,
    CONSTRAINT replay_has_a_known_state CHECK (state IN (1, 2, 3)),
    CONSTRAINT replay_ends_when_it_is_not_running CHECK ((state = 1) = (finished_at IS NULL)),
    CONSTRAINT replay_looks_at_each_once CHECK (released + skipped <= matched)
) STRICT;

CREATE INDEX ringback_replay_running ON ringback_replay (id) WHERE state = 1;

-- The fixed set that a replay's filter found. outcome: 1 delivered, 2 dead, of what was released.
CREATE TABLE ringback_replay_item (
    replay_id   BLOB    NOT NULL,
    delivery_id BLOB    NOT NULL,
    released    INTEGER NOT NULL DEFAULT 0,
    outcome     INTEGER,
    PRIMARY KEY (replay_id, delivery_id),
    CONSTRAINT replay_item_outcome_is_delivered_or_dead CHECK (outcome IN (1, 2))
) STRICT, WITHOUT ROWID;

CREATE INDEX ringback_replay_item_under_way ON ringback_replay_item (delivery_id) WHERE released AND outcome IS NULL;
CREATE INDEX ringback_replay_item_outcome ON ringback_replay_item (replay_id, outcome) WHERE outcome IS NOT NULL;

-- What retention has dropped, by tenant and UTC day of the event's acceptance, in days since the epoch.
CREATE TABLE ringback_ledger_past (
    day       INTEGER NOT NULL,
    tenant    TEXT    NOT NULL,
    accepted  INTEGER NOT NULL DEFAULT 0,
    duplicate INTEGER NOT NULL DEFAULT 0,
    unmatched INTEGER NOT NULL DEFAULT 0,
    routed    INTEGER NOT NULL DEFAULT 0,
    delivered INTEGER NOT NULL DEFAULT 0,
    dead      INTEGER NOT NULL DEFAULT 0,
    cancelled INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (day, tenant)
) STRICT, WITHOUT ROWID;

-- Installation-wide values by name, such as the master key's check.
CREATE TABLE ringback_setting (
    name  TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;
