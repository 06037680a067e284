-- ?1 id, ?2 tenant, ?3 filter, ?4 reason, ?5 rate, ?6 matched, ?7 bytes, ?8 now. Nothing matched: completed.
-- (PostgreSQL: the time is the database's.)
INSERT INTO ringback_replay (id, tenant, filter, reason, rate_per_second, matched, bytes, created_at, state,
                             finished_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, iif(?6 = 0, {replay.completed}, {replay.running}), iif(?6 = 0, ?8, NULL))
