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
