-- ?1 sequence numbers.
DELETE FROM ringback_outbox
WHERE seq IN (SELECT value FROM json_each(?1))
