-- ?1 the expunge. (PostgreSQL: lock_expunge reads the position.)
SELECT id,
       state,
       filter,
       erases_keys,
       matched,
       bytes,
       expunged,
       skipped,
       payload_bytes,
       cancelled,
       attempts,
       position,
       digest,
       who,
       created_at,
       finished_at
FROM ringback_expunge
WHERE id = ?1
