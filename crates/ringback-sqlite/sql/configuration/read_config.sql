SELECT version, forgotten FROM ringback_config
