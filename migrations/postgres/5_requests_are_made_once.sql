-- Requests that carry an `Idempotency-Key` are carried out once: what each made, for a day.

CREATE TABLE {schema}.request_key (
    created_at bigint NOT NULL,
    object     uuid   NOT NULL,
    binding    text   COLLATE "C" NOT NULL,
    tenant     text   COLLATE "C" NOT NULL,
    route      text   COLLATE "C" NOT NULL,
    key        text   COLLATE "C" NOT NULL,
    content    bytea  NOT NULL,
    PRIMARY KEY (binding, tenant, route, key)
);

CREATE INDEX request_key_age ON {schema}.request_key (created_at);

COMMENT ON TABLE {schema}.request_key IS 'What requests with an Idempotency-Key have made; kept for 24 hours.';
COMMENT ON COLUMN {schema}.request_key.binding IS 'The tenant that the caller is bound to; empty if none.';
COMMENT ON COLUMN {schema}.request_key.object IS 'The endpoint, replay or test event that was made.';
COMMENT ON COLUMN {schema}.request_key.content IS 'A digest of the request''s body, sealed: a body may hold a secret.';

REVOKE ALL ON {schema}.request_key FROM PUBLIC;
