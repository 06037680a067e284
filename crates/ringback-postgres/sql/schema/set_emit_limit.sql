-- What emit refuses as too large, unless it is that already.
UPDATE {schema}.emit_limit SET max_payload_bytes = $1 WHERE max_payload_bytes <> $1
