-- ?1 id, ?2 when it would have ended by itself.
INSERT INTO ringback_ended_session (id, until) VALUES (?1, ?2) ON CONFLICT (id) DO NOTHING
