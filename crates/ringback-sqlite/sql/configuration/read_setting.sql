-- ?1 name.
SELECT value FROM ringback_setting WHERE name = ?1
