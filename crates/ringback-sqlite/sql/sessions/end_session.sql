-- ?1 id, ?2 when it would have ended by itself. (PostgreSQL: forgets old ones in the same statement.)
INSERT INTO ringback_ended_session (id, until) VALUES (?1, ?2) ON CONFLICT (id) DO NOTHING
