-- Sealed digests of requests that were carried out once, after the one that $1 to $4 name.
SELECT binding, tenant, route, key, content
FROM {schema}.request_key
WHERE (binding, tenant, route, key) > ($1, $2, $3, $4)
ORDER BY binding, tenant, route, key
LIMIT $5
