UPDATE ringback_config
SET version = version + 1
RETURNING version
