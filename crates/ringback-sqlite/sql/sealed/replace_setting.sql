-- Replaces a value that has not changed since it was read. ?1 name, ?2 before, ?3 after.
UPDATE ringback_setting SET value = ?3 WHERE name = ?1 AND value = ?2
