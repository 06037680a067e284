-- Removes replays that ended longer ago than events are kept and have no items any more.
-- (SQLite: all at once: forget_replay_items has taken the items.)
DELETE FROM {schema}.replay r
WHERE r.id IN (
    SELECT id
    FROM {schema}.replay
    WHERE finished_at < (SELECT {schema}.clock()) - $1::bigint
      AND NOT EXISTS (SELECT FROM {schema}.replay_item i WHERE i.replay_id = replay.id)
    LIMIT $2
)
