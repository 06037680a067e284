-- Up to ?2 items of replays that ended before ?1. (PostgreSQL: none that another node has locked.)
DELETE FROM ringback_replay_item
WHERE (replay_id, delivery_id) IN (
    SELECT i.replay_id, i.delivery_id
    FROM ringback_replay AS r
    CROSS JOIN ringback_replay_item AS i ON i.replay_id = r.id
    WHERE r.finished_at < ?1
    LIMIT ?2
)
