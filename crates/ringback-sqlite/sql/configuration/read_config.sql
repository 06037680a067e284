-- The configuration version, and the version up to which changes were forgotten. (PostgreSQL: in read_changes.)
SELECT version, forgotten FROM ringback_config
