-- An expunge has come further. (SQLite: the arguments in another order.)
UPDATE {schema}.expunge
SET expunged = expunged + $2, skipped = skipped + $3, payload_bytes = payload_bytes + $4, cancelled = cancelled + $5,
    attempts = attempts + $6, position = $7
WHERE id = $1 AND state = {expunge.running}
