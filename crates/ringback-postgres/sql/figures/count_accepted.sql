-- Events accepted from $1 on, among the newest $2 of all; $3 tenant. (SQLite: among the newest of the tenant, for which there
-- is an index.)
WITH newest AS MATERIALIZED (
    SELECT id, tenant
    FROM {schema}.event
    WHERE id >= $1
    ORDER BY id DESC
    LIMIT $2
)
SELECT count(*) AS looked_at,
       count(*) FILTER (WHERE $3::text IS NULL OR tenant = $3) AS accepted,
       (SELECT id FROM newest ORDER BY id LIMIT 1) AS oldest
FROM newest
