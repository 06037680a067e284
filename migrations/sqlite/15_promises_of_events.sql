-- A dead letter may be `refused` (5): the endpoint lists the answer's status in `permanent_statuses`. SQLite changes no
-- constraint of a table that is there, so the table is made anew.
CREATE TABLE ringback_new_dead_letter (
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

INSERT INTO ringback_new_dead_letter (id, lane, died_at, seq, config_version, endpoint_id, attempts, attempts_at_refill,
                                      last_status, reason, last_error, marks, blocks, ordering_key, detail, tenant, type)
SELECT id, lane, died_at, seq, config_version, endpoint_id, attempts, attempts_at_refill,
       last_status, reason, last_error, marks, blocks, ordering_key, detail, tenant, type
FROM ringback_dead_letter;

-- Its indexes and its trigger go with it.
DROP TABLE ringback_dead_letter;
ALTER TABLE ringback_new_dead_letter RENAME TO ringback_dead_letter;

CREATE INDEX ringback_dead_letter_age ON ringback_dead_letter (died_at, id);
CREATE INDEX ringback_dead_letter_endpoint ON ringback_dead_letter (endpoint_id, died_at, id);
CREATE INDEX ringback_dead_letter_blocking ON ringback_dead_letter (lane, ordering_key, seq) WHERE blocks;
CREATE INDEX ringback_dead_letter_tenant ON ringback_dead_letter (tenant, died_at, id);

-- As migration 14 says.
CREATE TRIGGER ringback_dead_letter_is_named AFTER INSERT ON ringback_dead_letter WHEN NEW.tenant IS NULL
BEGIN
    UPDATE ringback_dead_letter
    SET (tenant, type) = (SELECT tenant, type FROM ringback_event AS e WHERE e.seq = NEW.seq)
    WHERE id = NEW.id;
END;

-- When an event may be sent, and what it is told apart by. The columns stand behind the payload, whose pages are read with
-- them, unless they are NULL. A delivery that waits for its event's time is due then; the time by which its first attempt
-- must have begun is its own, and gone once it is replayed.
ALTER TABLE ringback_event ADD COLUMN deliver_after INTEGER;
ALTER TABLE ringback_event ADD COLUMN expires_at INTEGER;
ALTER TABLE ringback_event ADD COLUMN metadata TEXT;
ALTER TABLE ringback_delivery ADD COLUMN expires_at INTEGER;

-- Empty unless events expire, and of those it holds only what was never tried.
CREATE INDEX ringback_delivery_expiry ON ringback_delivery (shard, expires_at)
    WHERE expires_at IS NOT NULL AND attempts = 0;

-- Events are searched by their metadata here, newest first: a row for each entry, none for events without. It is written by
-- a trigger, so that no way of emitting can pass it by, and kept as long as events are.
CREATE TABLE ringback_event_metadata (
    name     TEXT NOT NULL,
    value    TEXT NOT NULL,
    event_id BLOB NOT NULL,
    PRIMARY KEY (name, value, event_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX ringback_event_metadata_age ON ringback_event_metadata (event_id);

CREATE TRIGGER ringback_event_metadata_is_noted AFTER INSERT ON ringback_event WHEN NEW.metadata IS NOT NULL
BEGIN
    INSERT OR IGNORE INTO ringback_event_metadata (name, value, event_id)
    SELECT entry.key, entry.value, NEW.id FROM json_each(NEW.metadata) AS entry;
END;

CREATE TRIGGER ringback_event_metadata_is_forgotten AFTER UPDATE OF metadata ON ringback_event
WHEN OLD.metadata IS NOT NULL AND NEW.metadata IS NULL
BEGIN
    DELETE FROM ringback_event_metadata WHERE event_id = OLD.id;
END;

-- Its triggers go with the view.
DROP VIEW ringback_emit;

CREATE VIEW ringback_emit AS
SELECT id, tenant, type, key, ordering_key, idempotency_key, occurred_at, endpoint_keys, destination, trace,
       deliver_after, expires_at, metadata, payload
FROM ringback_event;

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

-- As migration 8 says.
CREATE TRIGGER ringback_emit_within_clock INSTEAD OF INSERT ON ringback_emit
WHEN hex(substr(NEW.id, 1, 6)) > printf('%012X', CAST(unixepoch('now', 'subsec') * 1000 AS INTEGER) + 300000)
BEGIN
    SELECT RAISE(ABORT, 'ringback: the time in the id is ahead of this machine''s clock');
END;
