-- Requests that carry an `Idempotency-Key` are carried out once: what each made, for a day.

-- `binding` is the tenant that the caller is bound to, empty if none. `object` is the endpoint, replay or test event that
-- was made. `content` is a digest of the request's body, sealed: a body may hold a secret. A key that is taken over gets
-- a new row: row ids stay in order of `created_at`.
CREATE TABLE ringback_request_key (
    row        INTEGER PRIMARY KEY,
    created_at INTEGER NOT NULL,
    object     BLOB    NOT NULL,
    binding    TEXT    NOT NULL,
    tenant     TEXT    NOT NULL,
    route      TEXT    NOT NULL,
    key        TEXT    NOT NULL,
    content    BLOB    NOT NULL
) STRICT;

CREATE UNIQUE INDEX ringback_request_key_key ON ringback_request_key (binding, tenant, route, key);
