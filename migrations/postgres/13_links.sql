-- Links that open pages without a login: evidence of one call, and a tenant's portal.

CREATE TABLE {schema}.link (
    id         uuid   NOT NULL PRIMARY KEY,
    subject    uuid,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    opened_at  bigint,
    revoked_at bigint,
    opens      text   NOT NULL,
    tenant     text   NOT NULL,
    digest     bytea  NOT NULL,
    CONSTRAINT link_opens_something_known CHECK (opens IN ('delivery', 'key', 'view', 'manage')),
    CONSTRAINT link_has_a_subject_if_it_is_shared CHECK ((subject IS NULL) = (opens IN ('view', 'manage'))),
    CONSTRAINT link_digest_is_a_sha256 CHECK (octet_length(digest) = 32)
) WITH (fillfactor = 50);

COMMENT ON TABLE {schema}.link IS 'Links that open pages without a login; their texts are kept nowhere.';
COMMENT ON COLUMN {schema}.link.subject IS 'The delivery that is shown, or an event with the key of all that is shown; null for a portal.';
COMMENT ON COLUMN {schema}.link.opened_at IS 'When the link to a portal became a session: it does so once.';

REVOKE ALL ON {schema}.link FROM PUBLIC;
