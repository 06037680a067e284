-- Raises the configuration version for one change.
-- (PostgreSQL: several changes take several numbers at once, and the row is locked until the commit.)
UPDATE ringback_config
SET version = version + 1
RETURNING version
