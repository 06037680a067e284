-- An expunge with its counts. (SQLite: the position, too, in place of lock_expunge.)
SELECT id, state, filter, erases_keys, matched, bytes, expunged, skipped, payload_bytes, cancelled, attempts,
       digest, who, created_at, finished_at
FROM {schema}.expunge
WHERE id = $1
