-- Sessions of the dashboard that were ended before their time.

-- `until` is when it would have ended by itself; it is forgotten a day later.
CREATE TABLE ringback_ended_session (
    id    BLOB    NOT NULL PRIMARY KEY,
    until INTEGER NOT NULL
) STRICT;
