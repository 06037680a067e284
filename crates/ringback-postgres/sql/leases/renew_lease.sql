-- Renews a lease that has not ended; one that has can never be renewed. The count tells whether this is the database that the
-- renewals before were committed to.
UPDATE {schema}.node
SET lease_until = {schema}.clock() + $2::bigint, lease = $2::bigint, renewals = renewals + 1
WHERE id = $1 AND lease_until > {schema}.clock()
RETURNING renewals
