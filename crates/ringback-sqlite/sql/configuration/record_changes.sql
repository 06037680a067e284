-- Logs one change. ?1 its version, ?2 now, ?3 whom or what it is about, ?4 its kind.
-- (PostgreSQL: many changes in one statement, which saves round trips; the time is the database's.)
INSERT INTO ringback_change (version, at, subject, kind)
VALUES (?1, ?2, ?3, ?4)
