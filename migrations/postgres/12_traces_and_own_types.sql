-- Types that begin with `ringback.` are those of Ringback's own events; nobody emits them.
--
-- Events know where they stand in the platform's trace: the text of `{"traceparent": …, "tracestate": …}`.
ALTER TABLE {schema}.event ADD COLUMN trace text;
ALTER TABLE {schema}.moving_event ADD COLUMN trace text;

-- The option `trace` by the rules of W3C Trace Context: the text of an object of `traceparent` and perhaps `tracestate`.
CREATE FUNCTION {schema}.trace_option(options jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
    trace   jsonb := nullif(options -> 'trace', 'null');
    state   text;
    unknown text;
BEGIN
    IF trace IS NULL THEN
        RETURN NULL;
    END IF;
    IF jsonb_typeof(trace) <> 'object' THEN
        RAISE EXCEPTION 'ringback: option "trace" must be an object'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Members: traceparent, tracestate.';
    END IF;
    SELECT name INTO unknown FROM jsonb_object_keys(trace) AS name WHERE name NOT IN ('traceparent', 'tracestate') LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'ringback: option "trace" has no member "%"', left(unknown, 64)
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Members: traceparent, tracestate.';
    END IF;
    IF jsonb_typeof(trace -> 'traceparent') IS DISTINCT FROM 'string'
       OR trace ->> 'traceparent' !~ '^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$' THEN
        RAISE EXCEPTION 'ringback: option "trace": traceparent must be one of W3C Trace Context, such as 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    state := trace ->> 'tracestate';
    IF state IS NOT NULL
       AND (jsonb_typeof(trace -> 'tracestate') <> 'string'
            OR octet_length(state) > 512 OR state !~ '^[ -~]+$'
            OR (SELECT count(*) NOT BETWEEN 1 AND 32 OR NOT bool_and(entry ~ '^[^=]+=.+$')
                FROM (SELECT btrim(text) AS entry FROM unnest(string_to_array(state, ',')) AS text) entries
                WHERE entry <> '')) THEN
        RAISE EXCEPTION 'ringback: option "trace": tracestate must be at most 32 entries name=value of printable ASCII, parted by commas, and at most 512 bytes together'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN jsonb_strip_nulls(jsonb_build_object('traceparent', trace -> 'traceparent', 'tracestate', trace -> 'tracestate'))::text;
END
$$;

REVOKE ALL ON FUNCTION {schema}.trace_option(jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION {schema}.emit_bytes(type text, payload bytea, options jsonb DEFAULT '{}') RETURNS text
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
                       'trace')
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'ringback: there is no option "%"', left(unknown, 64)
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Options: tenant, key, ordering_key, idempotency_key, occurred_at, endpoint_keys, destination, trace.';
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
                                destination, trace, payload, payload_bytes)
    VALUES (new_id::uuid, new_tenant, emit_bytes.type,
            {schema}.key_option(options, 'key'),
            {schema}.key_option(options, 'ordering_key'),
            {schema}.key_option(options, 'idempotency_key'),
            coalesce({schema}.occurred_at_option(options), now),
            new_endpoint_keys, new_destination, {schema}.trace_option(options), emit_bytes.payload, octet_length(emit_bytes.payload))
    RETURNING seq INTO new_seq;
    INSERT INTO {schema}.outbox (seq, event_id) VALUES (new_seq, new_id::uuid);
    RETURN 'evt_' || new_id;
END
$$;

COMMENT ON FUNCTION {schema}.emit IS
    'Accepts an event in the caller''s transaction. Options: tenant, key, ordering_key, idempotency_key, occurred_at, endpoint_keys, destination {url, endpoint_key}, trace {traceparent, tracestate}. Returns the event''s id.';
