-- Nothing here: a file that is replaced under a running process ends it, so the past of a database cannot change unnoticed.
SELECT 1;
