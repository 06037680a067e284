-- A fresh node with a running lease.
INSERT INTO {schema}.node (id, lease_until) VALUES ($1, {schema}.clock() + $2::bigint)
