-- Figures over time, and what dead letters are told apart by.
--
-- A row of `figure` sums up one minute: of an endpoint, of a tenant (endpoint_id is then the nil id; inline
-- destinations are in it), or of everything (then the tenant is empty, too). So a year of everything is read as quickly
-- as a year of one endpoint. Nodes add to rows: `errors` and `durations` are objects whose numbers are added name by name.
CREATE TABLE {schema}.figure (
    tenant         text COLLATE "C" NOT NULL,
    endpoint_id    uuid   NOT NULL,
    at             bigint NOT NULL,
    delivered      bigint NOT NULL DEFAULT 0,
    failed         bigint NOT NULL DEFAULT 0,
    first_attempts bigint NOT NULL DEFAULT 0,
    dead           bigint NOT NULL DEFAULT 0,
    errors         jsonb  NOT NULL DEFAULT '{}',
    durations      jsonb  NOT NULL DEFAULT '{}',
    PRIMARY KEY (tenant, endpoint_id, at)
);

CREATE INDEX figure_age ON {schema}.figure (at);

COMMENT ON TABLE {schema}.figure IS 'Attempts and deaths of one minute: of an endpoint, a tenant, or everything.';
COMMENT ON COLUMN {schema}.figure.errors IS 'How many attempts failed for each class of error.';
COMMENT ON COLUMN {schema}.figure.durations IS 'How many attempts took so long, by the number of the histogram''s bucket.';

-- The parts that nodes have added, for a day: a part whose answer was lost is sent again, and must count once.
CREATE TABLE {schema}.figure_part (
    id       uuid   NOT NULL PRIMARY KEY,
    added_at bigint NOT NULL
);

CREATE INDEX figure_part_age ON {schema}.figure_part (added_at);

-- How the receiver of an endpoint does: its last success, its last failure, and since when there was only one of them.
CREATE TABLE {schema}.pulse (
    endpoint_id      uuid   NOT NULL PRIMARY KEY,
    last_success_at  bigint,
    last_failure_at  bigint,
    succeeding_since bigint,
    failing_since    bigint,
    last_error       smallint,
    last_status      integer
);

CREATE INDEX pulse_failing ON {schema}.pulse (failing_since) WHERE failing_since IS NOT NULL;

-- Deleted endpoints whose figures are still to be removed.
ALTER TABLE {schema}.endpoint ADD COLUMN has_figures boolean NOT NULL DEFAULT true;
UPDATE {schema}.endpoint SET has_figures = false WHERE deleted_at IS NOT NULL;
CREATE INDEX endpoint_with_figures_to_remove ON {schema}.endpoint (id) WHERE deleted_at IS NOT NULL AND has_figures;

-- Grouping a million dead letters must not look a million events up.
ALTER TABLE {schema}.dead_letter ADD COLUMN tenant text, ADD COLUMN type text;

UPDATE {schema}.dead_letter d
SET tenant = e.tenant, type = e.type
FROM {schema}.event e
WHERE e.id = {schema}.event_of(d.id);

CREATE INDEX dead_letter_tenant ON {schema}.dead_letter (tenant, died_at, id);

-- Whoever makes a dead letter need not name them. Nodes of earlier versions, which run on until they are stopped, do not.
CREATE FUNCTION {schema}.name_dead_letter() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT e.tenant, e.type INTO NEW.tenant, NEW.type FROM {schema}.event e WHERE e.id = {schema}.event_of(NEW.id);
    RETURN NEW;
END
$$;

REVOKE ALL ON FUNCTION {schema}.name_dead_letter() FROM PUBLIC;

CREATE TRIGGER dead_letter_is_named BEFORE INSERT ON {schema}.dead_letter
FOR EACH ROW WHEN (NEW.tenant IS NULL) EXECUTE FUNCTION {schema}.name_dead_letter();
