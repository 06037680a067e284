-- Holds of these shards' lanes that have not ended. (SQLite: the time is an argument.)
SELECT lane, until, streak, reason
FROM {schema}.hold
WHERE shard = ANY ($1::smallint[]) AND until > {schema}.clock()
