-- Whether a session was ended.
SELECT EXISTS (SELECT FROM {schema}.ended_session WHERE id = $1) AS ended
