-- Deleted ones too. ?1 ids. (PostgreSQL: ids come as an array.)
SELECT {part.endpoint_columns}
FROM ringback_endpoint
WHERE id IN (SELECT unhex(value) FROM json_each(?1))
ORDER BY id DESC
