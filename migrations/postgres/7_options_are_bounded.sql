-- Options of `emit` are bounded, and what was stored before is read within the same bounds.

-- The helper sees all options first, so it is the one that looks at their size.
CREATE OR REPLACE FUNCTION {schema}.endpoint_keys_option(options jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
    keys jsonb := nullif(options -> 'endpoint_keys', 'null');
BEGIN
    IF octet_length(options::text) > 262144 THEN
        RAISE EXCEPTION 'ringback: argument "options" has % bytes; at most 262144 are allowed', octet_length(options::text)
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF keys IS NULL THEN
        RETURN NULL;
    END IF;
    IF jsonb_typeof(keys) = 'array' THEN
        IF jsonb_array_length(keys) > 1000 THEN
            RAISE EXCEPTION 'ringback: option "endpoint_keys" has % entries; at most 1000 are allowed',
                jsonb_array_length(keys)
                USING ERRCODE = 'invalid_parameter_value';
        END IF;
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

-- How many bytes the keys take at most once they are read. Only an array can have many.
CREATE FUNCTION {schema}.weight_of_keys(keys jsonb) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN jsonb_typeof(keys) = 'array' THEN least(jsonb_array_length(keys), 1000) * 256 ELSE 256 END;

-- The keys as text, or `{"entries": n}` in place of more than routing reads. What is no array is told by its beginning.
CREATE FUNCTION {schema}.readable_keys(keys jsonb) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE
    WHEN jsonb_typeof(keys) <> 'array' THEN left(keys::text, 64)
    WHEN jsonb_array_length(keys) > 1000 THEN format('{"entries":%s}', jsonb_array_length(keys))
    WHEN pg_column_size(keys) > 2097152 THEN format('{"bytes":%s}', pg_column_size(keys))
    ELSE keys::text
END;

REVOKE ALL ON FUNCTION {schema}.weight_of_keys(jsonb), {schema}.readable_keys(jsonb) FROM PUBLIC;
