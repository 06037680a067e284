-- Numbers that never fall: that of the last event, which SQLite keeps for the table, and the version of the configuration.
-- (PostgreSQL: there is no file to overwrite.)
SELECT s.seq AS event, c.version AS configuration
FROM sqlite_sequence AS s
CROSS JOIN ringback_config AS c
WHERE s.name = 'ringback_event'
