-- Links that open pages without a login: evidence of one call, and a tenant's portal.

-- Their texts are kept nowhere. `subject` is the delivery that is shown, or an event with the key of all that is shown;
-- null for a portal. `opened_at` is when the link to a portal became a session: it does so once.
CREATE TABLE ringback_link (
    id         BLOB    NOT NULL PRIMARY KEY,
    opens      TEXT    NOT NULL,
    tenant     TEXT    NOT NULL,
    subject    BLOB,
    digest     BLOB    NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    opened_at  INTEGER,
    revoked_at INTEGER,
    CONSTRAINT link_opens_something_known CHECK (opens IN ('delivery', 'key', 'view', 'manage')),
    CONSTRAINT link_has_a_subject_if_it_is_shared CHECK ((subject IS NULL) = (opens IN ('view', 'manage'))),
    CONSTRAINT link_digest_is_a_sha256 CHECK (length(digest) = 32)
) STRICT;
