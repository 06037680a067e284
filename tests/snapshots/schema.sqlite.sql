CREATE INDEX ringback_attempt_delivery ON ringback_attempt (delivery_id, number);

CREATE INDEX ringback_audit_at ON ringback_audit (at, seq);

CREATE INDEX ringback_audit_tenant ON ringback_audit (tenant, at, seq);

CREATE INDEX ringback_dead_letter_age ON ringback_dead_letter (died_at, id);

CREATE INDEX ringback_dead_letter_blocking ON ringback_dead_letter (lane, ordering_key, seq) WHERE blocks;

CREATE INDEX ringback_dead_letter_endpoint ON ringback_dead_letter (endpoint_id, died_at, id);

CREATE INDEX ringback_dead_letter_tenant ON ringback_dead_letter (tenant, died_at, id);

CREATE INDEX ringback_delivery_due ON ringback_delivery (shard, due_at, id);

CREATE INDEX ringback_delivery_expiry ON ringback_delivery (shard, expires_at)
    WHERE expires_at IS NOT NULL AND attempts = 0;

CREATE INDEX ringback_delivery_lane ON ringback_delivery (lane, due_at, id);

CREATE INDEX ringback_delivery_order ON ringback_delivery (lane, ordering_key, seq) WHERE ordering_key IS NOT NULL;

CREATE UNIQUE INDEX ringback_endpoint_key ON ringback_endpoint (tenant, key)
    WHERE deleted_at IS NULL AND key IS NOT NULL;

CREATE INDEX ringback_endpoint_tenant ON ringback_endpoint (tenant, id) WHERE deleted_at IS NULL;

CREATE INDEX ringback_endpoint_with_figures_to_remove ON ringback_endpoint (id)
    WHERE deleted_at IS NOT NULL AND has_figures;

CREATE UNIQUE INDEX ringback_event_id ON ringback_event (id);

CREATE INDEX ringback_event_key ON ringback_event (key, id) WHERE key IS NOT NULL;

CREATE INDEX ringback_event_metadata_age ON ringback_event_metadata (event_id);

CREATE INDEX ringback_event_tenant ON ringback_event (tenant, id);

CREATE INDEX ringback_expunge_running ON ringback_expunge (id) WHERE state = 1;

CREATE INDEX ringback_figure_age ON ringback_figure (at);

CREATE INDEX ringback_figure_part_age ON ringback_figure_part (added_at);

CREATE INDEX ringback_finished_cancelled ON ringback_finished (id) WHERE status = 2;

CREATE INDEX ringback_finished_endpoint ON ringback_finished (endpoint_id, id);

CREATE UNIQUE INDEX ringback_finished_id ON ringback_finished (id);

CREATE UNIQUE INDEX ringback_idempotency_key ON ringback_idempotency (tenant, type, key);

CREATE INDEX ringback_pulse_failing ON ringback_pulse (failing_since) WHERE failing_since IS NOT NULL;

CREATE INDEX ringback_replay_item_outcome ON ringback_replay_item (replay_id, outcome) WHERE outcome IS NOT NULL;

CREATE INDEX ringback_replay_item_under_way ON ringback_replay_item (delivery_id) WHERE released AND outcome IS NULL;

CREATE INDEX ringback_replay_running ON ringback_replay (id) WHERE state = 1;

CREATE UNIQUE INDEX ringback_request_key_key ON ringback_request_key (binding, tenant, route, key);

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

CREATE TABLE ringback_audit (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    at         INTEGER NOT NULL,
    who        TEXT    NOT NULL,
    action     TEXT    NOT NULL,
    object     TEXT    NOT NULL,
    tenant     TEXT,
    request_id TEXT,
    before     TEXT,
    after      TEXT,
    CONSTRAINT audit_request_id_is_short CHECK (length(request_id) <= 200)
) STRICT;

CREATE TABLE ringback_change (
    version INTEGER PRIMARY KEY,
    at      INTEGER NOT NULL,
    subject BLOB    NOT NULL,
    kind    INTEGER NOT NULL,
    CONSTRAINT change_has_a_known_kind CHECK (kind IN (1, 2, 3))
) STRICT;

CREATE TABLE ringback_config (
    only_row  INTEGER NOT NULL PRIMARY KEY DEFAULT 1,
    version   INTEGER NOT NULL,
    forgotten INTEGER NOT NULL,
    CONSTRAINT config_is_one_row CHECK (only_row = 1)
) STRICT;

CREATE TABLE "ringback_dead_letter" (
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
    tenant             TEXT,
    type               TEXT,
    CONSTRAINT dead_letter_has_a_known_reason CHECK (reason BETWEEN 1 AND 5)
) STRICT, WITHOUT ROWID;

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
    ordering_key       TEXT, expires_at INTEGER,
    CONSTRAINT delivery_shard_is_its_lanes CHECK (shard = (lane & 63)),
    CONSTRAINT delivery_budget_starts_within_its_attempts CHECK (attempts_at_refill BETWEEN 0 AND attempts)
) STRICT, WITHOUT ROWID;

CREATE TABLE ringback_ended_session (
    id    BLOB    NOT NULL PRIMARY KEY,
    until INTEGER NOT NULL
) STRICT;

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
, has_figures INTEGER NOT NULL DEFAULT 1) STRICT;

CREATE TABLE ringback_endpoint_version (
    endpoint_id BLOB    NOT NULL,
    version     INTEGER NOT NULL,
    deleted     INTEGER NOT NULL,
    tenant      TEXT    NOT NULL,
    key         TEXT,
    event_types TEXT    NOT NULL, filter TEXT,
    PRIMARY KEY (tenant, endpoint_id, version)
) STRICT, WITHOUT ROWID;

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
    payload         BLOB, trace TEXT, deliver_after INTEGER, expires_at INTEGER, metadata TEXT,
    CONSTRAINT event_id_ends_in_zeros CHECK (length(id) = 16 AND substr(id, 15) = x'0000'),
    CONSTRAINT event_payload_is_missing_for_a_reason
        CHECK (payload IS NOT NULL OR expunged_at IS NOT NULL OR payload_expired),
    CONSTRAINT event_goes_to_keys_or_to_a_destination CHECK (endpoint_keys IS NULL OR destination IS NULL)
) STRICT;

CREATE TABLE ringback_event_metadata (
    name     TEXT NOT NULL,
    value    TEXT NOT NULL,
    event_id BLOB NOT NULL,
    PRIMARY KEY (name, value, event_id)
) STRICT, WITHOUT ROWID;

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

CREATE TABLE ringback_expunge_item (
    expunge_id BLOB NOT NULL,
    event_id   BLOB NOT NULL,
    PRIMARY KEY (expunge_id, event_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE ringback_figure (
    tenant         TEXT    NOT NULL,
    endpoint_id    BLOB    NOT NULL,
    at             INTEGER NOT NULL,
    delivered      INTEGER NOT NULL DEFAULT 0,
    failed         INTEGER NOT NULL DEFAULT 0,
    first_attempts INTEGER NOT NULL DEFAULT 0,
    dead           INTEGER NOT NULL DEFAULT 0,
    errors         TEXT    NOT NULL DEFAULT '{}',
    durations      TEXT    NOT NULL DEFAULT '{}',
    PRIMARY KEY (tenant, endpoint_id, at)
) STRICT, WITHOUT ROWID;

CREATE TABLE ringback_figure_part (
    id       BLOB    NOT NULL PRIMARY KEY,
    added_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

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

CREATE TABLE ringback_hold (
    lane   INTEGER PRIMARY KEY,
    until  INTEGER NOT NULL,
    streak INTEGER NOT NULL,
    shard  INTEGER NOT NULL,
    reason INTEGER NOT NULL
, since INTEGER NOT NULL DEFAULT 0) STRICT;

CREATE TABLE ringback_idempotency (
    row        INTEGER PRIMARY KEY,
    tenant     TEXT    NOT NULL,
    type       TEXT    NOT NULL,
    key        TEXT    NOT NULL,
    event_id   BLOB    NOT NULL,
    created_at INTEGER NOT NULL,
    content    BLOB
) STRICT;

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

CREATE TABLE ringback_link (
    id         BLOB    NOT NULL PRIMARY KEY,
    opens      TEXT    NOT NULL,
    tenant     TEXT    NOT NULL,
    subject    BLOB,
    digest     BLOB    NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    opened_at  INTEGER,
    revoked_at INTEGER,
    CONSTRAINT link_opens_something_known CHECK (opens IN ('delivery', 'key', 'view', 'manage')),
    CONSTRAINT link_has_a_subject_if_it_is_shared CHECK ((subject IS NULL) = (opens IN ('view', 'manage'))),
    CONSTRAINT link_digest_is_a_sha256 CHECK (length(digest) = 32)
) STRICT;

CREATE TABLE ringback_migration (
    number   INTEGER PRIMARY KEY,
    name     TEXT    NOT NULL,
    checksum TEXT    NOT NULL,
    run_at   INTEGER NOT NULL
) STRICT;

CREATE TABLE ringback_outbox (
    seq      INTEGER PRIMARY KEY,
    event_id BLOB    NOT NULL
) STRICT;

CREATE TABLE ringback_pulse (
    endpoint_id      BLOB    NOT NULL PRIMARY KEY,
    last_success_at  INTEGER,
    last_failure_at  INTEGER,
    succeeding_since INTEGER,
    failing_since    INTEGER,
    last_error       INTEGER,
    last_status      INTEGER
) STRICT, WITHOUT ROWID;

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

CREATE TABLE ringback_replay_item (
    replay_id   BLOB    NOT NULL,
    delivery_id BLOB    NOT NULL,
    released    INTEGER NOT NULL DEFAULT 0,
    outcome     INTEGER,
    PRIMARY KEY (replay_id, delivery_id),
    CONSTRAINT replay_item_outcome_is_delivered_or_dead CHECK (outcome IN (1, 2))
) STRICT, WITHOUT ROWID;

CREATE TABLE ringback_request_key (
    row        INTEGER PRIMARY KEY,
    created_at INTEGER NOT NULL,
    object     BLOB    NOT NULL,
    binding    TEXT    NOT NULL,
    tenant     TEXT    NOT NULL,
    route      TEXT    NOT NULL,
    key        TEXT    NOT NULL,
    content    BLOB    NOT NULL
) STRICT;

CREATE TABLE ringback_setting (
    name  TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE ringback_token (
    id           BLOB    NOT NULL PRIMARY KEY,
    scope        TEXT    NOT NULL,
    tenant       TEXT,
    name         TEXT,
    digest       BLOB    NOT NULL,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER,
    last_used_at INTEGER,
    revoked_at   INTEGER,
    CONSTRAINT token_has_a_known_scope CHECK (scope IN ('admin', 'operator', 'emit', 'read')),
    CONSTRAINT token_digest_is_a_sha256 CHECK (length(digest) = 32)
) STRICT;

CREATE TABLE ringback_verdict (
    event_id       BLOB    PRIMARY KEY,
    kind           INTEGER NOT NULL,
    duplicate_of   BLOB,
    config_version INTEGER NOT NULL,
    CONSTRAINT verdict_is_unmatched_or_duplicate CHECK (kind IN (1, 2)),
    CONSTRAINT verdict_names_what_it_duplicates CHECK ((kind = 2) = (duplicate_of IS NOT NULL))
) STRICT, WITHOUT ROWID;

CREATE TABLE sqlite_sequence(name,seq);

CREATE TRIGGER ringback_audit_never_changes BEFORE UPDATE ON ringback_audit
BEGIN
    SELECT raise(ABORT, 'ringback: the audit log is only ever added to');
END;

CREATE TRIGGER ringback_dead_letter_is_named AFTER INSERT ON ringback_dead_letter WHEN NEW.tenant IS NULL
BEGIN
    UPDATE ringback_dead_letter
    SET (tenant, type) = (SELECT tenant, type FROM ringback_event AS e WHERE e.seq = NEW.seq)
    WHERE id = NEW.id;
END;

CREATE TRIGGER ringback_emit_event INSTEAD OF INSERT ON ringback_emit
BEGIN
    SELECT RAISE(ABORT, 'ringback: id must be the 16 bytes of a UUIDv7 of which the last two are zero')
    WHERE typeof(NEW.id) <> 'blob'
       OR length(NEW.id) <> 16
       OR substr(hex(NEW.id), 13, 1) <> '7'
       OR substr(NEW.id, 15) <> x'0000';
    SELECT RAISE(ABORT, 'ringback: type must be 1 to 128 of the characters A-Z a-z 0-9 _ . -')
    WHERE octet_length(NEW.type) NOT BETWEEN 1 AND 128
       OR length(NEW.type) <> octet_length(NEW.type)
       OR NEW.type GLOB '*[^A-Za-z0-9_.-]*';
    SELECT RAISE(ABORT, 'ringback: type begins with ringback., as the types of Ringback''s own events alone do')
    WHERE NEW.type GLOB 'ringback.*';
    SELECT RAISE(ABORT, 'ringback: tenant must be 1 to 128 of the characters A-Z a-z 0-9 _ . : -')
    WHERE octet_length(NEW.tenant) NOT BETWEEN 1 AND 128
       OR length(NEW.tenant) <> octet_length(NEW.tenant)
       OR NEW.tenant GLOB '*[^A-Za-z0-9_.:-]*';
    -- A NUL ends what `length` and GLOB see, so it is looked for by itself. The ranges are U+0001 to U+001F and U+007F to
    -- U+009F.
    SELECT RAISE(ABORT, 'ringback: key, ordering_key and idempotency_key must be 1 to 256 characters without control characters')
    FROM (SELECT NEW.key AS text UNION ALL SELECT NEW.ordering_key UNION ALL SELECT NEW.idempotency_key)
    WHERE octet_length(text) > 1024
       OR length(text) NOT BETWEEN 1 AND 256
       OR instr(text, char(0)) > 0
       OR text GLOB '*[' || char(1) || '-' || char(31) || char(127) || '-' || char(159) || ']*';
    SELECT RAISE(ABORT, 'ringback: occurred_at must be microseconds since 1970 within the years 0 to 9999')
    WHERE typeof(NEW.occurred_at) <> 'integer'
       OR NEW.occurred_at NOT BETWEEN -62167219200000000 AND 253402300799999999;
    SELECT RAISE(ABORT, 'ringback: endpoint_keys has too many bytes; at most 262144 are allowed')
    WHERE octet_length(NEW.endpoint_keys) > 262144;
    SELECT RAISE(ABORT, 'ringback: endpoint_keys must be a JSON array of at most 1000 strings of 1 to 256 characters without control characters')
    WHERE NEW.endpoint_keys IS NOT NULL
      AND CASE
              WHEN NOT json_valid(NEW.endpoint_keys) THEN true
              WHEN json_type(NEW.endpoint_keys) <> 'array' THEN true
              WHEN json_array_length(NEW.endpoint_keys) > 1000 THEN true
              ELSE EXISTS (
                  SELECT 1 FROM json_each(NEW.endpoint_keys) AS entry
                  WHERE entry.type <> 'text'
                     OR length(entry.value) NOT BETWEEN 1 AND 256
                     OR instr(entry.value, char(0)) > 0
                     OR entry.value GLOB '*[' || char(1) || '-' || char(31) || char(127) || '-' || char(159) || ']*'
              )
          END;
    SELECT RAISE(ABORT, 'ringback: destination must be a JSON object of at most 262144 bytes')
    WHERE NEW.destination IS NOT NULL
      AND CASE
              WHEN octet_length(NEW.destination) > 262144 THEN true
              WHEN NOT json_valid(NEW.destination) THEN true
              ELSE json_type(NEW.destination) <> 'object'
          END;
    SELECT RAISE(ABORT, 'ringback: payload must be a blob of at most 1048576 bytes')
    WHERE typeof(NEW.payload) <> 'blob'
       OR length(NEW.payload) > 1048576;
    SELECT RAISE(ABORT, 'ringback: trace must be a JSON object {"traceparent", "tracestate"} of W3C Trace Context: a tracestate has at most 512 bytes')
    WHERE NEW.trace IS NOT NULL
      AND CASE
              WHEN octet_length(NEW.trace) > 1024 THEN true
              WHEN NOT json_valid(NEW.trace) THEN true
              WHEN json_type(NEW.trace) <> 'object' THEN true
              WHEN json_type(NEW.trace, '$.traceparent') IS NOT 'text' THEN true
              WHEN json_type(NEW.trace, '$.tracestate') NOT IN ('text', 'null') THEN true
              WHEN octet_length(NEW.trace ->> 'tracestate') > 512 THEN true
              WHEN length(NEW.trace ->> 'traceparent') <> 55 THEN true
              ELSE NEW.trace ->> 'traceparent' GLOB 'ff*'
                OR replace(NEW.trace ->> 'traceparent', '-', 'a') GLOB '*[^0-9a-f]*'
                OR substr(NEW.trace ->> 'traceparent', 3, 1) || substr(NEW.trace ->> 'traceparent', 36, 1)
                   || substr(NEW.trace ->> 'traceparent', 53, 1) <> '---'
                OR NEW.trace ->> 'traceparent' GLOB '*-00000000000000000000000000000000-*'
                OR NEW.trace ->> 'traceparent' GLOB '*-0000000000000000-*'
          END;
    SELECT RAISE(ABORT, 'ringback: deliver_after and expires_at must be microseconds since 1970 within the years 0 to 9999')
    FROM (SELECT NEW.deliver_after AS at UNION ALL SELECT NEW.expires_at)
    WHERE at IS NOT NULL
      AND (typeof(at) <> 'integer' OR at NOT BETWEEN -62167219200000000 AND 253402300799999999);
    SELECT RAISE(ABORT, 'ringback: deliver_after must be at most 30 days ahead')
    WHERE NEW.deliver_after > CAST(unixepoch('now', 'subsec') * 1000000 AS INTEGER) + 2592000000000;
    SELECT RAISE(ABORT, 'ringback: expires_at must be later than deliver_after')
    WHERE NEW.expires_at <= NEW.deliver_after;
    SELECT RAISE(ABORT, 'ringback: metadata must be a JSON object of at most 16 strings of at most 256 characters without control characters, under names of 1 to 64 of the characters A-Z a-z 0-9 _ . -')
    WHERE NEW.metadata IS NOT NULL
      AND CASE
              WHEN octet_length(NEW.metadata) > 65536 THEN true
              WHEN NOT json_valid(NEW.metadata) THEN true
              WHEN json_type(NEW.metadata) <> 'object' THEN true
              WHEN (SELECT count(*) FROM json_each(NEW.metadata)) > 16 THEN true
              ELSE EXISTS (
                  SELECT 1 FROM json_each(NEW.metadata) AS entry
                  WHERE octet_length(entry.key) NOT BETWEEN 1 AND 64
                     OR length(entry.key) <> octet_length(entry.key)
                     OR entry.key GLOB '*[^A-Za-z0-9_.-]*'
                     OR entry.type <> 'text'
                     OR length(entry.value) > 256
                     OR instr(entry.value, char(0)) > 0
                     OR entry.value GLOB '*[' || char(1) || '-' || char(31) || char(127) || '-' || char(159) || ']*'
              )
          END;
    INSERT INTO ringback_event (id, tenant, type, key, ordering_key, idempotency_key, occurred_at, endpoint_keys,
                                destination, trace, deliver_after, expires_at, metadata, payload_bytes, payload)
    VALUES (NEW.id, NEW.tenant, NEW.type, NEW.key, NEW.ordering_key, NEW.idempotency_key, NEW.occurred_at,
            NEW.endpoint_keys, NEW.destination, NEW.trace, NEW.deliver_after, NEW.expires_at,
            nullif(NEW.metadata, '{}'), length(NEW.payload), NEW.payload);
    INSERT INTO ringback_outbox (seq, event_id) VALUES (last_insert_rowid(), NEW.id);
END;

CREATE TRIGGER ringback_emit_within_clock INSTEAD OF INSERT ON ringback_emit
WHEN hex(substr(NEW.id, 1, 6)) > printf('%012X', CAST(unixepoch('now', 'subsec') * 1000 AS INTEGER) + 300000)
BEGIN
    SELECT RAISE(ABORT, 'ringback: the time in the id is ahead of this machine''s clock');
END;

CREATE TRIGGER ringback_event_metadata_is_forgotten AFTER UPDATE OF metadata ON ringback_event
WHEN OLD.metadata IS NOT NULL AND NEW.metadata IS NULL
BEGIN
    DELETE FROM ringback_event_metadata WHERE event_id = OLD.id;
END;

CREATE TRIGGER ringback_event_metadata_is_noted AFTER INSERT ON ringback_event WHEN NEW.metadata IS NOT NULL
BEGIN
    INSERT OR IGNORE INTO ringback_event_metadata (name, value, event_id)
    SELECT entry.key, entry.value, NEW.id FROM json_each(NEW.metadata) AS entry;
END;

CREATE VIEW ringback_emit AS
SELECT id, tenant, type, key, ordering_key, idempotency_key, occurred_at, endpoint_keys, destination, trace,
       deliver_after, expires_at, metadata, payload
FROM ringback_event;
