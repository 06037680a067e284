-- Who may call, and the log of who changed what.

CREATE TABLE {schema}.token (
    id           uuid   NOT NULL PRIMARY KEY,
    created_at   bigint NOT NULL,
    expires_at   bigint,
    last_used_at bigint,
    revoked_at   bigint,
    scope        text   NOT NULL,
    tenant       text,
    name         text,
    digest       bytea  NOT NULL,
    CONSTRAINT token_has_a_known_scope CHECK (scope IN ('admin', 'operator', 'emit', 'read')),
    CONSTRAINT token_digest_is_a_sha256 CHECK (octet_length(digest) = 32)
) WITH (fillfactor = 50);

COMMENT ON TABLE {schema}.token IS 'Tokens beside the configured one; their texts are kept nowhere.';
COMMENT ON COLUMN {schema}.token.last_used_at IS 'To about a minute.';

-- Rows are written by the transactions that make the changes, and never changed.
CREATE TABLE {schema}.audit (
    seq        bigint NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         bigint NOT NULL DEFAULT {schema}.clock(),
    who        text   NOT NULL,
    action     text   NOT NULL,
    object     text   NOT NULL,
    tenant     text,
    request_id text,
    before     text,
    after      text,
    CONSTRAINT audit_request_id_is_short CHECK (char_length(request_id) <= 200)
);

CREATE INDEX audit_at ON {schema}.audit (at, seq);
CREATE INDEX audit_tenant ON {schema}.audit (tenant, at, seq);

COMMENT ON TABLE {schema}.audit IS 'Who changed what; credentials are masked.';
COMMENT ON COLUMN {schema}.audit.who IS 'admin_token, a token''s id, host, command_line, or engine';
COMMENT ON COLUMN {schema}.audit.tenant IS 'Whose the object is; null if all tenants'' or nobody''s.';

CREATE FUNCTION {schema}.refuse_to_change_audit() RETURNS trigger LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION 'ringback: the audit log is only ever added to' USING ERRCODE = 'object_not_in_prerequisite_state';
END
$$;

CREATE TRIGGER audit_never_changes BEFORE UPDATE ON {schema}.audit
FOR EACH STATEMENT EXECUTE FUNCTION {schema}.refuse_to_change_audit();

REVOKE ALL ON {schema}.token, {schema}.audit FROM PUBLIC;
REVOKE ALL ON FUNCTION {schema}.refuse_to_change_audit FROM PUBLIC;
