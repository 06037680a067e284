-- Sessions of the dashboard that were ended before their time.

CREATE TABLE {schema}.ended_session (
    id    uuid   NOT NULL PRIMARY KEY,
    until bigint NOT NULL
);

COMMENT ON TABLE {schema}.ended_session IS 'Sessions of the dashboard that somebody logged out of.';
COMMENT ON COLUMN {schema}.ended_session.until IS 'When it would have ended by itself; forgotten a day later.';

REVOKE ALL ON {schema}.ended_session FROM PUBLIC;
