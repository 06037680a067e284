-- Waits for renewals under way, then tells which of these nodes have a running lease.
-- (SQLite: a lock file; shards and leases are in memory.)
SELECT id, lease_until > {schema}.clock() AS running FROM {schema}.node WHERE id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE
