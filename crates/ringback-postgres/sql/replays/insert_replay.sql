-- A replay whose set is fixed; with nothing in it, it is complete. (SQLite: the time is an argument.)
INSERT INTO {schema}.replay (id, tenant, state, filter, reason, rate_per_second, matched, bytes, created_at, finished_at)
SELECT $1, $2, CASE WHEN $6::bigint = 0 THEN {replay.completed} ELSE {replay.running} END, $3, $4, $5, $6, $7, now, CASE WHEN $6::bigint = 0 THEN now END
FROM (SELECT {schema}.clock() AS now) clock
