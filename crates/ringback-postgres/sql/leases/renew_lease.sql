-- Renews a lease that has not ended; one that has can never be renewed. The count shows whether the database still has
-- the renewals that were committed before. (SQLite: a lock file; shards and leases are in memory.)
UPDATE {schema}.node
SET lease_until = {schema}.clock() + $2::bigint, lease = $2::bigint, renewals = renewals + 1
WHERE id = $1 AND lease_until > {schema}.clock()
RETURNING renewals
