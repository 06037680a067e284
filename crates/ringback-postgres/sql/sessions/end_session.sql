-- Ends session $1, which would have ended by itself at $2, and forgets those whose time is over by more than a day:
-- clocks of nodes may differ from the database's. (SQLite: forget_ended_sessions forgets.)
WITH forgotten AS (
    DELETE FROM {schema}.ended_session WHERE until < (SELECT {schema}.clock()) - 86400000000
)
INSERT INTO {schema}.ended_session (id, until) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING
