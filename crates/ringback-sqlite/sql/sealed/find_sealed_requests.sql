-- Sealed digests of requests that were carried out once, after the one that ?1 to ?4 name. ?5 how many.
SELECT binding, tenant, route, key, content
FROM ringback_request_key
WHERE (binding, tenant, route, key) > (?1, ?2, ?3, ?4)
ORDER BY binding, tenant, route, key
LIMIT ?5
