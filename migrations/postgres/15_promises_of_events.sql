-- A dead letter may be `refused` (5): the endpoint lists the answer's status in `permanent_statuses`.
ALTER TABLE {schema}.dead_letter
    DROP CONSTRAINT dead_letter_has_a_known_reason,
    ADD CONSTRAINT dead_letter_has_a_known_reason CHECK (reason BETWEEN 1 AND 5);

-- When an event may be sent, and what it is told apart by. A delivery that waits for its event's time is due then; the
-- time by which its first attempt must have begun is its own, and gone once it is replayed.
ALTER TABLE {schema}.event ADD COLUMN deliver_after bigint, ADD COLUMN expires_at bigint, ADD COLUMN metadata text;
ALTER TABLE {schema}.moving_event ADD COLUMN deliver_after bigint, ADD COLUMN expires_at bigint, ADD COLUMN metadata text;
ALTER TABLE {schema}.delivery ADD COLUMN expires_at bigint;

-- Empty unless events expire, and of those it holds only what was never tried.
CREATE INDEX delivery_expiry ON {schema}.delivery (shard, expires_at) WHERE expires_at IS NOT NULL AND attempts = 0;

COMMENT ON COLUMN {schema}.event.metadata IS 'A JSON object of texts.';
COMMENT ON COLUMN {schema}.delivery.expires_at IS 'Dead, as expired, if no attempt has begun by then.';

-- Events are searched by their metadata here, newest first: a row for each entry, none for events without. It is written by
-- a trigger, so that no way of emitting can pass it by, and kept as long as events are.
CREATE TABLE {schema}.event_metadata (
    name     text COLLATE "C" NOT NULL,
    value    text COLLATE "C" NOT NULL,
    event_id uuid NOT NULL,
    PRIMARY KEY (name, value, event_id)
);

CREATE INDEX event_metadata_age ON {schema}.event_metadata (event_id);

CREATE FUNCTION {schema}.note_metadata() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO {schema}.event_metadata (name, value, event_id)
    SELECT entry.key, entry.value, NEW.id FROM json_each_text(NEW.metadata::json) AS entry
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;

REVOKE ALL ON TABLE {schema}.event_metadata FROM PUBLIC;
REVOKE ALL ON FUNCTION {schema}.note_metadata() FROM PUBLIC;

CREATE TRIGGER event_metadata_is_noted AFTER INSERT ON {schema}.event
FOR EACH ROW WHEN (NEW.metadata IS NOT NULL) EXECUTE FUNCTION {schema}.note_metadata();

CREATE FUNCTION {schema}.forget_metadata() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM {schema}.event_metadata WHERE event_id = OLD.id;
    RETURN NULL;
END
$$;

REVOKE ALL ON FUNCTION {schema}.forget_metadata() FROM PUBLIC;

CREATE TRIGGER event_metadata_is_forgotten AFTER UPDATE OF metadata ON {schema}.event
FOR EACH ROW WHEN (OLD.metadata IS NOT NULL AND NEW.metadata IS NULL) EXECUTE FUNCTION {schema}.forget_metadata();

-- Any option that is a time, by the rules of `occurred_at`.
CREATE FUNCTION {schema}.time_option(options jsonb, name text) RETURNS bigint
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
DECLARE
    value text := options ->> name;
BEGIN
    IF value IS NULL THEN
        RETURN NULL;
    END IF;
    IF jsonb_typeof(options -> name) = 'string'
       AND value ~ '^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$' THEN
        BEGIN
            RETURN (extract(epoch FROM value::timestamptz) * 1000000)::bigint;
        EXCEPTION WHEN data_exception THEN
            NULL; -- The form is right and the date is not: refused like any other.
        END;
    END IF;
    RAISE EXCEPTION 'ringback: option "%" must be an RFC 3339 time such as 2026-01-31T12:00:00Z', name
        USING ERRCODE = 'invalid_parameter_value';
END
$$;

-- The option `metadata`: at most 16 texts with names; null without any.
CREATE FUNCTION {schema}.metadata_option(options jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
    metadata jsonb := nullif(nullif(options -> 'metadata', 'null'), '{}');
    wrong    text;
BEGIN
    IF metadata IS NULL THEN
        RETURN NULL;
    END IF;
    IF jsonb_typeof(metadata) <> 'object' THEN
        RAISE EXCEPTION 'ringback: option "metadata" must be an object of strings'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF (SELECT count(*) FROM jsonb_object_keys(metadata)) > 16 THEN
        RAISE EXCEPTION 'ringback: option "metadata" must have at most 16 entries'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT key INTO wrong FROM jsonb_each(metadata)
    WHERE key !~ '^[A-Za-z0-9_.-]{1,64}$'
       OR jsonb_typeof(value) <> 'string'
       OR char_length(value #>> '{}') > 256
       OR value #>> '{}' ~ '[\u0001-\u001f\u007f-\u009f]'
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'ringback: option "metadata": "%" must have a name of 1 to 64 of the characters A-Z a-z 0-9 _ . - and a string of at most 256 characters without control characters', left(wrong, 64)
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN metadata::text;
END
$$;

REVOKE ALL ON FUNCTION {schema}.time_option(jsonb, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION {schema}.metadata_option(jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION {schema}.emit_bytes(type text, payload bytea, options jsonb DEFAULT '{}') RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    unknown           text;
    new_tenant        text;
    new_endpoint_keys jsonb;
    new_destination   text;
    new_deliver_after bigint;
    new_expires_at    bigint;
    max_bytes         integer;
    new_id            text;
    new_seq           bigint;
    now               bigint := (extract(epoch FROM clock_timestamp()) * 1000000)::bigint;
BEGIN
    IF emit_bytes.type IS NULL OR emit_bytes.type !~ '^[A-Za-z0-9_.-]{1,128}$' THEN
        RAISE EXCEPTION 'ringback: argument "type" must be 1 to 128 of the characters A-Z a-z 0-9 _ . -'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF emit_bytes.type LIKE 'ringback.%' THEN
        RAISE EXCEPTION 'ringback: argument "type" begins with ringback., as the types of Ringback''s own events alone do'
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
    WHERE name NOT IN ('tenant', 'key', 'ordering_key', 'idempotency_key', 'occurred_at', 'endpoint_keys', 'destination',
                       'trace', 'deliver_after', 'expires_at', 'metadata')
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'ringback: there is no option "%"', left(unknown, 64)
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Options: tenant, key, ordering_key, idempotency_key, occurred_at, endpoint_keys, destination, trace, deliver_after, expires_at, metadata.';
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
    new_deliver_after := {schema}.time_option(options, 'deliver_after');
    IF new_deliver_after > now + 2592000000000 THEN
        RAISE EXCEPTION 'ringback: option "deliver_after" must be at most 30 days ahead'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    new_expires_at := {schema}.time_option(options, 'expires_at');
    IF new_expires_at <= new_deliver_after THEN
        RAISE EXCEPTION 'ringback: option "expires_at" must be later than "deliver_after"'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;

    -- UUIDv7: 48 bits of milliseconds, the version, random bits with the variant, and 16 zeros for deliveries.
    new_id := lpad(to_hex(now / 1000), 12, '0') || '7'
           || substr(replace(gen_random_uuid()::text, '-', ''), 14, 15) || '0000';

    INSERT INTO {schema}.event (id, tenant, type, key, ordering_key, idempotency_key, occurred_at, endpoint_keys,
                                destination, trace, deliver_after, expires_at, metadata, payload, payload_bytes)
    VALUES (new_id::uuid, new_tenant, emit_bytes.type,
            {schema}.key_option(options, 'key'),
            {schema}.key_option(options, 'ordering_key'),
            {schema}.key_option(options, 'idempotency_key'),
            coalesce({schema}.time_option(options, 'occurred_at'), now),
            new_endpoint_keys, new_destination, {schema}.trace_option(options), new_deliver_after, new_expires_at,
            {schema}.metadata_option(options), emit_bytes.payload, octet_length(emit_bytes.payload))
    RETURNING seq INTO new_seq;
    INSERT INTO {schema}.outbox (seq, event_id) VALUES (new_seq, new_id::uuid);
    RETURN 'evt_' || new_id;
END
$$;

COMMENT ON FUNCTION {schema}.emit IS
    'Accepts an event in the caller''s transaction. Options: tenant, key, ordering_key, idempotency_key, occurred_at, endpoint_keys, destination {url, endpoint_key}, trace {traceparent, tracestate}, deliver_after, expires_at, metadata. Returns the event''s id.';
