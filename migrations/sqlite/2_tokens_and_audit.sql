-- Who may call, and the log of who changed what.

-- Tokens beside the configured one; their texts are kept nowhere. `last_used_at` is true to about a minute.
CREATE TABLE ringback_token (
    id           BLOB    NOT NULL PRIMARY KEY,
    scope        TEXT    NOT NULL,
    tenant       TEXT,
    name         TEXT,
    digest       BLOB    NOT NULL,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER,
    last_used_at INTEGER,
    revoked_at   INTEGER,
    CONSTRAINT token_has_a_known_scope CHECK (scope IN ('admin', 'operator', 'emit', 'read')),
    CONSTRAINT token_digest_is_a_sha256 CHECK (length(digest) = 32)
) STRICT;

-- Rows are written by the transactions that make the changes, and never changed; credentials are masked. `who` is
-- admin_token, a token's id, host, command_line, or engine; `tenant` is null for what is all tenants' or nobody's.
CREATE TABLE ringback_audit (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    at         INTEGER NOT NULL,
    who        TEXT    NOT NULL,
    action     TEXT    NOT NULL,
    object     TEXT    NOT NULL,
    tenant     TEXT,
    request_id TEXT,
    before     TEXT,
    after      TEXT,
    CONSTRAINT audit_request_id_is_short CHECK (length(request_id) <= 200)
) STRICT;

CREATE INDEX ringback_audit_at ON ringback_audit (at, seq);
CREATE INDEX ringback_audit_tenant ON ringback_audit (tenant, at, seq);

CREATE TRIGGER ringback_audit_never_changes BEFORE UPDATE ON ringback_audit
BEGIN
    SELECT raise(ABORT, 'ringback: the audit log is only ever added to');
END;
