-- ?1 id, ?2 tenant, ?3 filter, ?4 whether keys go too, ?5 matched, ?6 bytes, ?7 who, ?8 the digest of nothing, ?9 now.
-- Nothing matched: completed. (PostgreSQL: the columns in another order.)
INSERT INTO ringback_expunge (id, tenant, filter, erases_keys, matched, bytes, who, created_at, state, finished_at,
                              digest)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?9, iif(?5 = 0, {expunge.completed}, {expunge.running}), iif(?5 = 0, ?9, NULL), iif(?5 = 0, ?8, NULL))
