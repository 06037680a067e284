-- A write that changes nothing: it is refused where the connection could be opened for reading alone. (PostgreSQL: a server
-- says so by itself.)
DELETE FROM ringback_setting
WHERE false
