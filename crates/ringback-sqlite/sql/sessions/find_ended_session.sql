-- Whether a session was ended.
SELECT EXISTS (SELECT 1 FROM ringback_ended_session WHERE id = ?1) AS ended
