-- Replaces digests that have not changed since they were read. Locked in the order in which requests take their keys.
-- (SQLite: row by row; one writer needs no locks.)
WITH locked AS MATERIALIZED (
    SELECT held.binding, held.tenant, held.route, held.key, resealed.after
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bytea[], $6::bytea[])
        AS resealed (binding, tenant, route, key, before, after)
    JOIN {schema}.request_key held
      ON held.binding = resealed.binding
     AND held.tenant = resealed.tenant
     AND held.route = resealed.route
     AND held.key = resealed.key
    WHERE held.content = resealed.before
    ORDER BY held.binding, held.tenant, held.route, held.key
    FOR UPDATE OF held
)
UPDATE {schema}.request_key held
SET content = locked.after
FROM locked
WHERE held.binding = locked.binding
  AND held.tenant = locked.tenant
  AND held.route = locked.route
  AND held.key = locked.key
