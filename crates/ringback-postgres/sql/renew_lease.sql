-- Renews a lease that has not ended; one that has can never be renewed.
UPDATE {schema}.node SET lease_until = {schema}.clock() + $2::bigint WHERE id = $1 AND lease_until > {schema}.clock()
