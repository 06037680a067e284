INSERT INTO ringback_change (version, at, subject, kind)
VALUES (?1, ?2, ?3, ?4)
