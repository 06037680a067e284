-- ?1 sequence numbers. (PostgreSQL: tells which were there, since another node may have routed them.)
DELETE FROM ringback_outbox
WHERE seq IN (SELECT value FROM json_each(?1))
