-- Removes kept attempts beyond retention. (SQLite: drop_attempts.)
DELETE FROM {schema}.kept_attempt
WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM {schema}.kept_attempt WHERE at < (SELECT {schema}.clock()) - $1::bigint LIMIT $2
))
