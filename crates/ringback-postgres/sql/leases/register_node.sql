-- A fresh node with a running lease. (SQLite: a lock file; shards and leases are in memory.)
INSERT INTO {schema}.node (id, lease_until, lease) VALUES ($1, {schema}.clock() + $2::bigint, $2::bigint)
