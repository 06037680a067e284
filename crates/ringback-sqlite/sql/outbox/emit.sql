-- An event and its outbox pointer, by the view's trigger: one statement, so neither can be without the other.
-- (PostgreSQL: a function of the database.)
INSERT INTO ringback_emit (id, tenant, type, key, ordering_key, idempotency_key, occurred_at, endpoint_keys,
                           destination, trace, deliver_after, expires_at, metadata, payload)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
