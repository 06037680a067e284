-- An expunge whose set is fixed; with nothing in it, it is complete, and $8 is the digest of nothing.
-- (SQLite: the columns in another order.)
INSERT INTO {schema}.expunge (id, tenant, state, filter, erases_keys, matched, bytes, who, created_at, finished_at, digest)
VALUES ($1, $2, CASE WHEN $5::bigint = 0 THEN {expunge.completed} ELSE {expunge.running} END, $3, $4, $5, $6, $7, $9,
        CASE WHEN $5::bigint = 0 THEN $9::bigint END, CASE WHEN $5::bigint = 0 THEN $8::text END)
