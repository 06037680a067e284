-- Those that are not complete, oldest first.
SELECT id
FROM ringback_expunge
WHERE state = 1
ORDER BY id
