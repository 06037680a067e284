-- SQLite keeps payloads as they are, so that there is nothing to do here.
SELECT 1;
