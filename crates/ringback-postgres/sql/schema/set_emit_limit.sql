-- Sets the largest payload that emit accepts, if it is not that already. (SQLite: a constant of `emit`.)
UPDATE {schema}.emit_limit SET max_payload_bytes = $1 WHERE max_payload_bytes <> $1
