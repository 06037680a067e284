-- The life of an event, from the caller's transaction to its finished deliveries.
--
-- Reading order: what callers may call (emit), what it writes (event, outbox), what is owed (delivery), what
-- became of it (dead_letter, finished, attempt), whom it goes to (endpoint, config), who sends (node, shard).
--
-- Times are bigint microseconds since 1970 by this database's clock. Ids are UUIDv7: an event's low 16 bits are
-- zero and its deliveries are `event | n` with n from 1, so the range (event, event | ffff] holds them all.
-- Codes are those of the Rust types (`DeadReason::code` and its like).
-- No foreign keys: the hot tables are written in batches and dropped by partition.

-- Only if it is missing: a role that may not create schemas can be given one.
DO $$
BEGIN
    IF to_regnamespace('{schema}') IS NULL THEN
        CREATE SCHEMA {schema};
    END IF;
END
$$;

-- ---------------------------------------------------------------------------------------------------------------
-- Arithmetic on ids and the clock

-- Now. Volatile: statements that need one moment take it once.
CREATE FUNCTION {schema}.clock() RETURNS bigint LANGUAGE sql VOLATILE PARALLEL SAFE
RETURN (extract(epoch FROM clock_timestamp()) * 1000000)::bigint;

-- The event of a delivery.
CREATE FUNCTION {schema}.event_of(delivery uuid) RETURNS uuid LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (left(delivery::text, 32) || '0000')::uuid;

-- The last delivery that an event can have.
CREATE FUNCTION {schema}.last_of(event uuid) RETURNS uuid LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (left(event::text, 32) || 'ffff')::uuid;

-- Whether this is the first of its event's deliveries: each routed event has exactly one such.
CREATE FUNCTION {schema}.is_first(delivery uuid) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN right(delivery::text, 4) = '0001';

-- When an event was accepted, to the millisecond.
CREATE FUNCTION {schema}.accepted_at(id uuid) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN ('x' || left(replace(id::text, '-', ''), 12))::bit(48)::bigint * 1000;

-- The UTC day on which an event was accepted.
CREATE FUNCTION {schema}.day_of(id uuid) RETURNS date LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN date '1970-01-01'
     + (('x' || left(replace(id::text, '-', ''), 12))::bit(48)::bigint / 86400000)::integer;

-- The smallest id that an event accepted at a moment can have.
CREATE FUNCTION {schema}.floor_of(micros bigint) RETURNS uuid LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (lpad(to_hex(greatest(micros, 0) / 1000), 12, '0') || repeat('0', 20))::uuid;

-- ---------------------------------------------------------------------------------------------------------------
-- Events

-- The order of emission, which is the order that `ordered` endpoints get.
CREATE SEQUENCE {schema}.emit_seq;

CREATE TABLE {schema}.event (
    id              uuid    NOT NULL,
    seq             bigint  NOT NULL DEFAULT nextval('{schema}.emit_seq'),
    occurred_at     bigint  NOT NULL,
    expunged_at     bigint,
    payload_bytes   integer NOT NULL,
    test            boolean NOT NULL DEFAULT false,
    payload_expired boolean NOT NULL DEFAULT false,
    tenant          text    NOT NULL,
    type            text    NOT NULL,
    key             text,
    ordering_key    text,
    idempotency_key text,
    endpoint_keys   jsonb,
    destination     text,
    payload         bytea,
    PRIMARY KEY (id),
    CONSTRAINT event_payload_is_missing_for_a_reason
        CHECK (payload IS NOT NULL OR expunged_at IS NOT NULL OR payload_expired),
    CONSTRAINT event_goes_to_keys_or_to_a_destination
        CHECK (endpoint_keys IS NULL OR destination IS NULL)
) PARTITION BY RANGE (id);

CREATE INDEX event_key ON {schema}.event (key, id) WHERE key IS NOT NULL;
CREATE INDEX event_expunged ON {schema}.event (id) WHERE expunged_at IS NOT NULL;

COMMENT ON TABLE {schema}.event IS
    'What happened, payload included, once. The newest partition is open-ended, so that emitting never fails for want of one.';
COMMENT ON COLUMN {schema}.event.destination IS 'An inline destination (JSON), its credentials sealed.';
COMMENT ON COLUMN {schema}.event.payload IS 'The bytes to sign and send; null once expunged or expired.';

-- Pointers to events accepted but not yet routed. A reader starts at the oldest transaction that could still
-- have been running when it last saw the end: exact in spite of commit order, and dead rows are not walked.
CREATE TABLE {schema}.outbox (
    xid      xid8   NOT NULL DEFAULT pg_current_xact_id(),
    seq      bigint NOT NULL,
    event_id uuid   NOT NULL,
    PRIMARY KEY (xid, seq)
) WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);

-- Events that routing made no delivery of. An event with deliveries has no row here: they carry its version.
CREATE TABLE {schema}.verdict (
    event_id       uuid     NOT NULL,
    config_version bigint   NOT NULL,
    duplicate_of   uuid,
    kind           smallint NOT NULL,
    PRIMARY KEY (event_id),
    CONSTRAINT verdict_is_unmatched_or_duplicate CHECK (kind IN (1, 2)),
    CONSTRAINT verdict_names_what_it_duplicates CHECK ((kind = 2) = (duplicate_of IS NOT NULL))
) PARTITION BY RANGE (event_id);

COMMENT ON COLUMN {schema}.verdict.kind IS '1 unmatched, 2 duplicate';

-- Which event an idempotency key stands for. `content` is null where an event came by SQL or Rust: those are
-- folded whatever their content.
CREATE TABLE {schema}.idempotency (
    tenant     text   COLLATE "C" NOT NULL,
    type       text   COLLATE "C" NOT NULL,
    key        text   COLLATE "C" NOT NULL,
    event_id   uuid   NOT NULL,
    created_at bigint NOT NULL,
    content    bytea,
    PRIMARY KEY (tenant, type, key)
);

CREATE INDEX idempotency_age ON {schema}.idempotency (created_at);

-- ---------------------------------------------------------------------------------------------------------------
-- Deliveries: each is in exactly one of delivery, dead_letter, finished. The one exception is a replay of a
-- delivered one: a second row in delivery, marked (marks & 4), beside its row in finished.

CREATE TABLE {schema}.delivery (
    id                 uuid     NOT NULL,
    lane               bigint   NOT NULL,
    due_at             bigint   NOT NULL,
    seq                bigint   NOT NULL,
    config_version     bigint   NOT NULL,
    endpoint_id        uuid,
    attempts           integer  NOT NULL DEFAULT 0,
    attempts_at_refill integer  NOT NULL DEFAULT 0,
    shard              smallint NOT NULL,
    marks              smallint NOT NULL DEFAULT 0,
    ordering_key       text,
    PRIMARY KEY (id),
    CONSTRAINT delivery_marks_are_three_bits CHECK (marks BETWEEN 0 AND 7),
    CONSTRAINT delivery_shard_is_its_lanes CHECK (shard = (lane & 63)),
    CONSTRAINT delivery_budget_starts_within_its_attempts CHECK (attempts_at_refill BETWEEN 0 AND attempts)
) WITH (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 5000,
        autovacuum_vacuum_cost_delay = 0);

CREATE INDEX delivery_due ON {schema}.delivery (shard, due_at, id);
CREATE INDEX delivery_lane ON {schema}.delivery (lane, due_at, id);
CREATE INDEX delivery_order ON {schema}.delivery (lane, ordering_key, seq) WHERE ordering_key IS NOT NULL;

COMMENT ON TABLE {schema}.delivery IS 'What is still owed: hot and narrow.';
COMMENT ON COLUMN {schema}.delivery.attempts IS 'Attempts made so far, ever; the fence of every change of this row.';
COMMENT ON COLUMN {schema}.delivery.ordering_key IS 'Set only where the endpoint is ordered and the event has one.';
COMMENT ON COLUMN {schema}.delivery.marks IS '1 test, 2 replay, 4 delivered before';

CREATE TABLE {schema}.dead_letter (
    id                 uuid     NOT NULL,
    lane               bigint   NOT NULL,
    died_at            bigint   NOT NULL,
    seq                bigint   NOT NULL,
    config_version     bigint   NOT NULL,
    endpoint_id        uuid,
    attempts           integer  NOT NULL,
    attempts_at_refill integer  NOT NULL,
    last_status        integer,
    reason             smallint NOT NULL,
    last_error         smallint,
    marks              smallint NOT NULL,
    blocks             boolean  NOT NULL DEFAULT false,
    ordering_key       text,
    detail             text,
    PRIMARY KEY (id),
    CONSTRAINT dead_letter_has_a_known_reason CHECK (reason BETWEEN 1 AND 4)
);

CREATE INDEX dead_letter_age ON {schema}.dead_letter (died_at, id);
CREATE INDEX dead_letter_endpoint ON {schema}.dead_letter (endpoint_id, died_at, id);
CREATE INDEX dead_letter_blocking ON {schema}.dead_letter (lane, ordering_key, seq) WHERE blocks;

COMMENT ON TABLE {schema}.dead_letter IS 'Given up, with the reason; its event keeps its payload as long.';

CREATE TABLE {schema}.finished (
    id             uuid     NOT NULL,
    lane           bigint   NOT NULL,
    seq            bigint   NOT NULL,
    config_version bigint   NOT NULL,
    finished_at    bigint   NOT NULL,
    endpoint_id    uuid,
    attempts       integer  NOT NULL,
    status         smallint NOT NULL,
    marks          smallint NOT NULL,
    -- The attempt that delivered it.
    number         integer,
    answered       integer,
    at             bigint,
    duration       bigint,
    detail         bytea,
    response_body  bytea,
    PRIMARY KEY (id),
    CONSTRAINT finished_is_delivered_or_cancelled CHECK (status IN (1, 2)),
    CONSTRAINT finished_holds_the_attempt_that_delivered CHECK ((status = 1) = (number IS NOT NULL))
) PARTITION BY RANGE (id);

CREATE INDEX finished_endpoint ON {schema}.finished (endpoint_id, id);

COMMENT ON TABLE {schema}.finished IS 'Delivered or cancelled; a delivery that succeeds at once costs this one row.';
COMMENT ON COLUMN {schema}.finished.status IS '1 delivered, 2 cancelled';

-- Attempts, apart from the one inside a finished row. A stale one shares its number with the one that counted.
CREATE TABLE {schema}.attempt (
    delivery_id   uuid     NOT NULL,
    at            bigint   NOT NULL,
    duration      bigint   NOT NULL,
    number        integer  NOT NULL,
    answered      integer,
    conclusion    smallint NOT NULL,
    error         smallint,
    phase         smallint,
    ambiguous     boolean  NOT NULL,
    detail        bytea    NOT NULL,
    response_body bytea    NOT NULL
) PARTITION BY RANGE (delivery_id);

CREATE INDEX attempt_delivery ON {schema}.attempt (delivery_id, number);

COMMENT ON COLUMN {schema}.attempt.answered IS 'The status code of the answer, if there was one.';

-- Every delivery, wherever it is; a replay of a delivered one stands beside its finished row, so whoever wants each
-- once says `marks < 4`. (Were that condition in here, a page could not be read in order of the primary keys.)
-- status: 1 pending, 2 delivered, 3 dead, 4 cancelled.
CREATE VIEW {schema}.delivery_anywhere AS
SELECT id, endpoint_id, lane, marks, 1::smallint AS status, NULL::smallint AS reason, attempts, due_at,
       NULL::bigint AS finished_at, NULL::integer AS last_status, NULL::smallint AS last_error, NULL::text AS detail,
       config_version
FROM {schema}.delivery
UNION ALL
SELECT id, endpoint_id, lane, marks, 3::smallint, reason, attempts, NULL::bigint,
       died_at, last_status, last_error, detail,
       config_version
FROM {schema}.dead_letter
UNION ALL
SELECT id, endpoint_id, lane, marks, CASE status WHEN 1 THEN 2::smallint ELSE 4::smallint END, NULL::smallint, attempts,
       NULL::bigint, finished_at, NULL::integer, NULL::smallint, NULL::text,
       config_version
FROM {schema}.finished;

-- Partitioned tables start with two partitions: `kept_…` below everything, for what outlives its partition, and
-- one that is open-ended. Upkeep splits the open one ahead of time and drops the oldest.
DO $$
DECLARE
    boundary uuid := {schema}.floor_of({schema}.clock() - 3600000000);
    name     text;
BEGIN
    FOREACH name IN ARRAY ARRAY['event', 'verdict', 'finished', 'attempt'] LOOP
        EXECUTE format('CREATE TABLE {schema}.kept_%1$s PARTITION OF {schema}.%1$s FOR VALUES FROM (MINVALUE) TO (%2$L)',
                       name, boundary);
        EXECUTE format('CREATE TABLE {schema}.%1$s_%3$s PARTITION OF {schema}.%1$s FOR VALUES FROM (%2$L) TO (MAXVALUE)',
                       name, boundary, {schema}.accepted_at(boundary) / 1000);
    END LOOP;
END
$$;

-- Where upkeep gathers what outlives its partition, before it becomes the next kept_event.
CREATE TABLE {schema}.moving_event (LIKE {schema}.event INCLUDING ALL);

-- ---------------------------------------------------------------------------------------------------------------
-- Replays of many

CREATE TABLE {schema}.replay (
    id              uuid     NOT NULL PRIMARY KEY,
    tenant          text,
    state           smallint NOT NULL,
    filter          text     NOT NULL,
    reason          text,
    rate_per_second double precision,
    matched         bigint   NOT NULL,
    released        bigint   NOT NULL DEFAULT 0,
    skipped         bigint   NOT NULL DEFAULT 0,
    bytes           bigint   NOT NULL,
    position        uuid     NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    created_at      bigint   NOT NULL,
    finished_at     bigint,
    CONSTRAINT replay_has_a_known_state CHECK (state IN (1, 2, 3)),
    CONSTRAINT replay_ends_when_it_is_not_running CHECK ((state = 1) = (finished_at IS NULL)),
    CONSTRAINT replay_looks_at_each_once CHECK (released + skipped <= matched)
);

COMMENT ON COLUMN {schema}.replay.state IS '1 running, 2 completed, 3 cancelled';
COMMENT ON COLUMN {schema}.replay.position IS 'The last delivery looked at; they are released in order.';

-- The fixed set that a replay's filter found.
CREATE TABLE {schema}.replay_item (
    replay_id   uuid     NOT NULL,
    delivery_id uuid     NOT NULL,
    released    boolean  NOT NULL DEFAULT false,
    outcome     smallint,
    PRIMARY KEY (replay_id, delivery_id),
    CONSTRAINT replay_item_outcome_is_delivered_or_dead CHECK (outcome IN (1, 2))
);

CREATE INDEX replay_item_under_way ON {schema}.replay_item (delivery_id) WHERE released AND outcome IS NULL;
CREATE INDEX replay_item_outcome ON {schema}.replay_item (replay_id, outcome) WHERE outcome IS NOT NULL;

-- ---------------------------------------------------------------------------------------------------------------
-- Configuration. Whoever changes it raises the version first and so holds the row until commit: versions become
-- visible in order, and "everything after version v" misses nothing.

CREATE TABLE {schema}.config (
    only_row       boolean NOT NULL PRIMARY KEY DEFAULT true,
    version        bigint  NOT NULL,
    -- Changes up to here have been removed from the log.
    forgotten      bigint  NOT NULL,
    CONSTRAINT config_is_one_row CHECK (only_row)
) WITH (fillfactor = 10);

INSERT INTO {schema}.config (version, forgotten) VALUES (0, 0);

CREATE TABLE {schema}.change (
    version bigint   NOT NULL PRIMARY KEY,
    at      bigint   NOT NULL,
    subject uuid     NOT NULL,
    kind    smallint NOT NULL,
    CONSTRAINT change_has_a_known_kind CHECK (kind IN (1, 2, 3))
);

CREATE INDEX change_expunged ON {schema}.change (subject) WHERE kind = 2;

COMMENT ON COLUMN {schema}.change.kind IS '1 endpoint, 2 event expunged, 3 delivery released';

CREATE TABLE {schema}.endpoint (
    id              uuid    NOT NULL PRIMARY KEY,
    lane            bigint  NOT NULL,
    version         bigint  NOT NULL,
    created_at      bigint  NOT NULL,
    updated_at      bigint  NOT NULL,
    deleted_at      bigint,
    enabled         boolean NOT NULL,
    paused          boolean NOT NULL,
    tenant          text    NOT NULL,
    key             text,
    disabled_reason text,
    event_types     jsonb   NOT NULL,
    spec            text    NOT NULL,
    credentials     bytea   NOT NULL
);

CREATE UNIQUE INDEX endpoint_key ON {schema}.endpoint (tenant, key) WHERE deleted_at IS NULL AND key IS NOT NULL;
CREATE INDEX endpoint_tenant ON {schema}.endpoint (tenant, id) WHERE deleted_at IS NULL;
CREATE INDEX endpoint_deleted ON {schema}.endpoint (deleted_at) WHERE deleted_at IS NOT NULL;

COMMENT ON COLUMN {schema}.endpoint.credentials IS 'Sealed: signing secrets, header values, authorization.';

-- What routing sees of an endpoint, kept for each version that changed it, to answer "why not" later.
CREATE TABLE {schema}.endpoint_version (
    endpoint_id uuid    NOT NULL,
    version     bigint  NOT NULL,
    deleted     boolean NOT NULL,
    tenant      text    NOT NULL,
    key         text,
    event_types jsonb   NOT NULL,
    PRIMARY KEY (endpoint_id, version)
);

CREATE INDEX endpoint_version_tenant ON {schema}.endpoint_version (tenant, endpoint_id, version);

-- A lane may not send until a moment; survives restarts.
CREATE TABLE {schema}.hold (
    lane       bigint   NOT NULL PRIMARY KEY,
    until      bigint   NOT NULL,
    streak     integer  NOT NULL,
    shard      smallint NOT NULL,
    reason     smallint NOT NULL
);

-- Named values of the whole installation, such as the master key's check.
CREATE TABLE {schema}.setting (
    name  text  NOT NULL PRIMARY KEY,
    value bytea NOT NULL
);

-- What `emit` refuses as too large. A table of its own: emit reads it, and nothing else ever writes near it.
CREATE TABLE {schema}.emit_limit (
    only_row          boolean NOT NULL PRIMARY KEY DEFAULT true,
    max_payload_bytes integer NOT NULL,
    CONSTRAINT emit_limit_is_one_row CHECK (only_row),
    CONSTRAINT emit_limit_is_positive CHECK (max_payload_bytes > 0)
);

INSERT INTO {schema}.emit_limit (max_payload_bytes) VALUES (1048576);

-- ---------------------------------------------------------------------------------------------------------------
-- Who sends: nodes with leases, and the 64 slices of the lanes

CREATE TABLE {schema}.node (
    id          uuid   NOT NULL PRIMARY KEY,
    lease_until bigint NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE {schema}.shard (
    shard   smallint NOT NULL PRIMARY KEY,
    node_id uuid,
    -- Requests that were open when the last owner handed over (JSON).
    open    text     NOT NULL DEFAULT '[]',
    CONSTRAINT shard_is_one_of_64 CHECK (shard BETWEEN 0 AND 63)
) WITH (fillfactor = 50);

INSERT INTO {schema}.shard (shard) SELECT generate_series(0, 63);

-- ---------------------------------------------------------------------------------------------------------------
-- What retention has dropped, so that the ledger still balances; and how far upkeep has come

CREATE TABLE {schema}.ledger_past (
    day       date   NOT NULL,
    tenant    text   NOT NULL,
    accepted  bigint NOT NULL DEFAULT 0,
    duplicate bigint NOT NULL DEFAULT 0,
    unmatched bigint NOT NULL DEFAULT 0,
    routed    bigint NOT NULL DEFAULT 0,
    delivered bigint NOT NULL DEFAULT 0,
    dead      bigint NOT NULL DEFAULT 0,
    cancelled bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (day, tenant)
);

CREATE TABLE {schema}.upkeep (
    step     text NOT NULL PRIMARY KEY,
    position uuid NOT NULL
);

-- ---------------------------------------------------------------------------------------------------------------
-- Emit: what callers call, in any language, inside their own transaction. Inserts two rows, and does nothing that
-- could wait for, conflict with or fail because of Ringback's own state. Refusals are SQLSTATE 22023 and name the
-- argument or option. Never overloaded, so that `GRANT EXECUTE ON FUNCTION` needs no argument list.

-- The helpers below run inside emit and so with its search path.

-- Refuses an option that is there but no text of 1 to 256 characters without control characters.
CREATE FUNCTION {schema}.key_option(options jsonb, name text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
    value text := options ->> name;
BEGIN
    IF value IS NULL THEN
        RETURN NULL;
    END IF;
    IF jsonb_typeof(options -> name) <> 'string' OR char_length(value) NOT BETWEEN 1 AND 256
       OR value ~ '[\u0001-\u001f\u007f-\u009f]' THEN
        RAISE EXCEPTION 'ringback: option "%" must be a string of 1 to 256 characters without control characters', name
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN value;
END
$$;

CREATE FUNCTION {schema}.occurred_at_option(options jsonb) RETURNS bigint
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
DECLARE
    value text := options ->> 'occurred_at';
BEGIN
    IF value IS NULL THEN
        RETURN NULL;
    END IF;
    IF value ~ '^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$' THEN
        BEGIN
            RETURN (extract(epoch FROM value::timestamptz) * 1000000)::bigint;
        EXCEPTION WHEN data_exception THEN
            NULL; -- The form is right and the date is not: refused like any other.
        END;
    END IF;
    RAISE EXCEPTION 'ringback: option "occurred_at" must be an RFC 3339 time such as 2026-01-31T12:00:00Z'
        USING ERRCODE = 'invalid_parameter_value';
END
$$;

CREATE FUNCTION {schema}.endpoint_keys_option(options jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
    keys jsonb := nullif(options -> 'endpoint_keys', 'null');
BEGIN
    IF keys IS NULL THEN
        RETURN NULL;
    END IF;
    IF jsonb_typeof(keys) = 'array' THEN
        IF NOT EXISTS (
            SELECT FROM jsonb_array_elements(keys) AS entry
            WHERE jsonb_typeof(entry) <> 'string' OR char_length(entry #>> '{}') NOT BETWEEN 1 AND 256
               OR entry #>> '{}' ~ '[\u0001-\u001f\u007f-\u009f]'
        ) THEN
            RETURN keys;
        END IF;
    END IF;
    RAISE EXCEPTION 'ringback: option "endpoint_keys" must be an array of strings of 1 to 256 characters without control characters'
        USING ERRCODE = 'invalid_parameter_value';
END
$$;

CREATE FUNCTION {schema}.destination_option(options jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
    destination jsonb := nullif(options -> 'destination', 'null');
    url         text;
    unknown     text;
BEGIN
    IF destination IS NULL THEN
        RETURN NULL;
    END IF;
    IF jsonb_typeof(destination) <> 'object' THEN
        RAISE EXCEPTION 'ringback: option "destination" must be an object with "url" and, if wanted, "endpoint_key"'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT name INTO unknown FROM jsonb_object_keys(destination) AS name WHERE name NOT IN ('url', 'endpoint_key') LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'ringback: option "destination" may hold "url" and "endpoint_key" here, not "%"', left(unknown, 64)
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'A secret never travels through SQL: register an endpoint and name its key.';
    END IF;
    url := destination ->> 'url';
    IF url IS NULL OR jsonb_typeof(destination -> 'url') <> 'string' OR octet_length(url) NOT BETWEEN 1 AND 2048
       OR url ~ '[\u0001-\u001f\u007f-\u009f]' THEN
        RAISE EXCEPTION 'ringback: option "destination": "url" must be a string of 1 to 2048 bytes without control characters'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN jsonb_strip_nulls(jsonb_build_object(
        'url', url, 'endpoint_key', {schema}.key_option(destination, 'endpoint_key')))::text;
END
$$;

CREATE FUNCTION {schema}.emit_bytes(type text, payload bytea, options jsonb DEFAULT '{}') RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    unknown           text;
    new_tenant        text;
    new_endpoint_keys jsonb;
    new_destination   text;
    max_bytes         integer;
    new_id            text;
    new_seq           bigint;
    now               bigint := (extract(epoch FROM clock_timestamp()) * 1000000)::bigint;
BEGIN
    IF emit_bytes.type IS NULL OR emit_bytes.type !~ '^[A-Za-z0-9_.-]{1,128}$' THEN
        RAISE EXCEPTION 'ringback: argument "type" must be 1 to 128 of the characters A-Z a-z 0-9 _ . -'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF emit_bytes.payload IS NULL THEN
        RAISE EXCEPTION 'ringback: argument "payload" must not be null' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT max_payload_bytes INTO max_bytes FROM {schema}.emit_limit;
    IF octet_length(emit_bytes.payload) > max_bytes THEN
        RAISE EXCEPTION 'ringback: argument "payload" has % bytes; at most % are allowed',
            octet_length(emit_bytes.payload), max_bytes
            USING ERRCODE = 'invalid_parameter_value';
    END IF;

    options := coalesce(options, '{}');
    IF jsonb_typeof(options) <> 'object' THEN
        RAISE EXCEPTION 'ringback: argument "options" must be a JSON object' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT name INTO unknown FROM jsonb_object_keys(options) AS name
    WHERE name NOT IN ('tenant', 'key', 'ordering_key', 'idempotency_key', 'occurred_at', 'endpoint_keys', 'destination')
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'ringback: there is no option "%"', left(unknown, 64)
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Options: tenant, key, ordering_key, idempotency_key, occurred_at, endpoint_keys, destination.';
    END IF;
    new_tenant := coalesce(options ->> 'tenant', 'default');
    IF jsonb_typeof(options -> 'tenant') NOT IN ('string', 'null') OR new_tenant !~ '^[A-Za-z0-9_.:-]{1,128}$' THEN
        RAISE EXCEPTION 'ringback: option "tenant" must be 1 to 128 of the characters A-Z a-z 0-9 _ . : -'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    new_endpoint_keys := {schema}.endpoint_keys_option(options);
    new_destination := {schema}.destination_option(options);
    IF new_endpoint_keys IS NOT NULL AND new_destination IS NOT NULL THEN
        RAISE EXCEPTION 'ringback: option "endpoint_keys" cannot stand beside "destination"'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;

    -- UUIDv7: 48 bits of milliseconds, the version, random bits with the variant, and 16 zeros for deliveries.
    new_id := lpad(to_hex(now / 1000), 12, '0') || '7'
           || substr(replace(gen_random_uuid()::text, '-', ''), 14, 15) || '0000';

    INSERT INTO {schema}.event (id, tenant, type, key, ordering_key, idempotency_key, occurred_at, endpoint_keys,
                                destination, payload, payload_bytes)
    VALUES (new_id::uuid, new_tenant, emit_bytes.type,
            {schema}.key_option(options, 'key'),
            {schema}.key_option(options, 'ordering_key'),
            {schema}.key_option(options, 'idempotency_key'),
            coalesce({schema}.occurred_at_option(options), now),
            new_endpoint_keys, new_destination, emit_bytes.payload, octet_length(emit_bytes.payload))
    RETURNING seq INTO new_seq;
    INSERT INTO {schema}.outbox (seq, event_id) VALUES (new_seq, new_id::uuid);
    RETURN 'evt_' || new_id;
END
$$;

CREATE FUNCTION {schema}.emit(type text, payload text, options jsonb DEFAULT '{}') RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF emit.payload IS NOT NULL THEN
        BEGIN
            PERFORM emit.payload::json;
        EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
            RAISE EXCEPTION 'ringback: argument "payload" must be JSON; emit_bytes takes anything'
                USING ERRCODE = 'invalid_parameter_value';
        END;
    END IF;
    -- The bytes are kept as they were written, not as they were parsed.
    RETURN {schema}.emit_bytes(emit.type, convert_to(emit.payload, 'UTF8'), emit.options);
END
$$;

COMMENT ON FUNCTION {schema}.emit IS
    'Accepts an event in the caller''s transaction. Options: tenant, key, ordering_key, idempotency_key, occurred_at, endpoint_keys, destination {url, endpoint_key}. Returns the event''s id.';
COMMENT ON FUNCTION {schema}.emit_bytes IS 'The same for payloads that are not JSON text.';

-- A role that emits needs USAGE on the schema and EXECUTE on emit or emit_bytes; nothing else is for everyone.
REVOKE ALL ON SCHEMA {schema} FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM PUBLIC;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA {schema} FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA {schema} FROM PUBLIC;
