-- These of a replay's deliveries were put back. (SQLite: ids come as JSON.)
UPDATE {schema}.replay_item SET released = true WHERE replay_id = $1 AND delivery_id = ANY ($2::uuid[])
