-- Completed once every item was looked at. ?1 the replay, ?2 the last item looked at or NULL, ?3 released, ?4 skipped,
-- ?5 now. (PostgreSQL: lock_replay has seen that it runs; the time is the database's.)
UPDATE ringback_replay
SET position = coalesce(?2, position),
    released = released + ?3,
    skipped = skipped + ?4,
    state = iif(released + skipped + ?3 + ?4 >= matched, {replay.completed}, {replay.running}),
    finished_at = iif(released + skipped + ?3 + ?4 >= matched, ?5, NULL)
WHERE id = ?1
  AND state = {replay.running}
