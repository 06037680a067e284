-- REPLACE gives a key that is taken over a new row id: retention reads them in order of age. ?1 binding, ?2 tenant,
-- ?3 route, ?4 key, ?5 object, ?6 content, ?7 now.
-- (PostgreSQL: one statement, which waits for whoever has taken the key and not committed.)
INSERT OR REPLACE INTO ringback_request_key (binding, tenant, route, key, object, content, created_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
