-- All endpoints that are not deleted.
SELECT {part.endpoint_columns}
FROM ringback_endpoint
WHERE deleted_at IS NULL
ORDER BY id DESC
