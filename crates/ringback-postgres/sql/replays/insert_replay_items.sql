-- Some of the fixed set of a replay ($1). (SQLite: ids come as JSON.)
INSERT INTO {schema}.replay_item (replay_id, delivery_id) SELECT $1, * FROM unnest($2::uuid[])
