-- Those that are not complete, oldest first.
SELECT id
FROM ringback_expunge
WHERE state = {expunge.running}
ORDER BY id
