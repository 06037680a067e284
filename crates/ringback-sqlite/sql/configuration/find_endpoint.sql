-- ?1 the tenant, ?2 the key.
SELECT {part.endpoint_columns}
FROM ringback_endpoint
WHERE tenant = ?1
  AND key = ?2
  AND deleted_at IS NULL
