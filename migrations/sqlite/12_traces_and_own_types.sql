-- Types that begin with `ringback.` are those of Ringback's own events; nobody emits them.
--
-- Events know where they stand in the platform's trace: the text of `{"traceparent": …, "tracestate": …}`. The column stands
-- behind the payload, whose pages are read with it, unless it is NULL.
ALTER TABLE ringback_event ADD COLUMN trace TEXT;

-- Its triggers go with the view.
DROP VIEW ringback_emit;

CREATE VIEW ringback_emit AS
SELECT id, tenant, type, key, ordering_key, idempotency_key, occurred_at, endpoint_keys, destination, trace, payload
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
    INSERT INTO ringback_event (id, tenant, type, key, ordering_key, idempotency_key, occurred_at, endpoint_keys,
                                destination, trace, payload_bytes, payload)
    VALUES (NEW.id, NEW.tenant, NEW.type, NEW.key, NEW.ordering_key, NEW.idempotency_key, NEW.occurred_at,
            NEW.endpoint_keys, NEW.destination, NEW.trace, length(NEW.payload), NEW.payload);
    INSERT INTO ringback_outbox (seq, event_id) VALUES (last_insert_rowid(), NEW.id);
END;

-- As migration 8 says.
CREATE TRIGGER ringback_emit_within_clock INSTEAD OF INSERT ON ringback_emit
WHEN hex(substr(NEW.id, 1, 6)) > printf('%012X', CAST(unixepoch('now', 'subsec') * 1000 AS INTEGER) + 300000)
BEGIN
    SELECT RAISE(ABORT, 'ringback: the time in the id is ahead of this machine''s clock');
END;
