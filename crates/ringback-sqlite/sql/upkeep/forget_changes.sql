-- The log begins after this version. (PostgreSQL: removed and noted in one statement.)
UPDATE ringback_config
SET forgotten = coalesce((SELECT min(version) - 1 FROM ringback_change), version)
WHERE forgotten < coalesce((SELECT min(version) - 1 FROM ringback_change), version)
