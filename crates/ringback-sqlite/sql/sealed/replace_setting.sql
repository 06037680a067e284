-- Replaces a value that still is what it was. ?1 name, ?2 before, ?3 after.
UPDATE ringback_setting SET value = ?3 WHERE name = ?1 AND value = ?2
