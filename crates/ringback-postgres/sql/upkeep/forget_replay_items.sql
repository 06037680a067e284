-- Removes items of replays that ended longer ago than events are kept. None that is just being settled is waited for.
-- (SQLite: one writer needs no locks.)
DELETE FROM {schema}.replay_item i
USING (
    SELECT i.replay_id, i.delivery_id
    FROM {schema}.replay r
    JOIN {schema}.replay_item i ON i.replay_id = r.id
    WHERE r.finished_at < (SELECT {schema}.clock()) - $1::bigint
    LIMIT $2
    FOR UPDATE OF i SKIP LOCKED
) old
WHERE i.replay_id = old.replay_id AND i.delivery_id = old.delivery_id
