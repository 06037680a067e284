-- Live ones of a tenant.
SELECT count(*)
FROM ringback_endpoint
WHERE tenant = ?1
  AND deleted_at IS NULL
