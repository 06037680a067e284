-- ?1 smaller ids only, ?2 how many, ?3 the tenant. (PostgreSQL: one statement, planned for its values.)
SELECT {part.endpoint_columns}
FROM ringback_endpoint
WHERE id < ?1 {narrowed}
  AND deleted_at IS NULL
ORDER BY id DESC
LIMIT ?2
