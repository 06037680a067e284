-- Figures over time, and what dead letters are told apart by.
--
-- A row of `ringback_figure` sums up one minute: of an endpoint, of a tenant (endpoint_id is then the nil id; inline
-- destinations are in it), or of everything (then the tenant is empty, too). So a year of everything is read as quickly
-- as a year of one endpoint. `errors` and `durations` are objects whose numbers are added name by name: how many attempts
-- failed for each class of error, and how many took so long, by the number of the histogram's bucket.
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

CREATE INDEX ringback_figure_age ON ringback_figure (at);

-- The parts that were added, for a day: a part whose answer was lost is sent again, and must count once.
CREATE TABLE ringback_figure_part (
    id       BLOB    NOT NULL PRIMARY KEY,
    added_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX ringback_figure_part_age ON ringback_figure_part (added_at);

-- How the receiver of an endpoint does: its last success, its last failure, and since when there was only one of them.
CREATE TABLE ringback_pulse (
    endpoint_id      BLOB    NOT NULL PRIMARY KEY,
    last_success_at  INTEGER,
    last_failure_at  INTEGER,
    succeeding_since INTEGER,
    failing_since    INTEGER,
    last_error       INTEGER,
    last_status      INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX ringback_pulse_failing ON ringback_pulse (failing_since) WHERE failing_since IS NOT NULL;

-- Deleted endpoints whose figures are still to be removed.
ALTER TABLE ringback_endpoint ADD COLUMN has_figures INTEGER NOT NULL DEFAULT 1;
UPDATE ringback_endpoint SET has_figures = 0 WHERE deleted_at IS NOT NULL;
CREATE INDEX ringback_endpoint_with_figures_to_remove ON ringback_endpoint (id)
    WHERE deleted_at IS NOT NULL AND has_figures;

-- Grouping a million dead letters must not look a million events up.
ALTER TABLE ringback_dead_letter ADD COLUMN tenant TEXT;
ALTER TABLE ringback_dead_letter ADD COLUMN type TEXT;

UPDATE ringback_dead_letter
SET (tenant, type) = (SELECT tenant, type FROM ringback_event AS e WHERE e.seq = ringback_dead_letter.seq);

CREATE INDEX ringback_dead_letter_tenant ON ringback_dead_letter (tenant, died_at, id);

-- Whoever makes a dead letter need not name them.
CREATE TRIGGER ringback_dead_letter_is_named AFTER INSERT ON ringback_dead_letter WHEN NEW.tenant IS NULL
BEGIN
    UPDATE ringback_dead_letter
    SET (tenant, type) = (SELECT tenant, type FROM ringback_event AS e WHERE e.seq = NEW.seq)
    WHERE id = NEW.id;
END;
