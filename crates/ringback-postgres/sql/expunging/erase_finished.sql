-- Removes the answers to these deliveries; $2 is what stays of the attempts that delivered them.
-- (SQLite: row by row, as a statement is no round trip there.)
UPDATE {schema}.finished f
SET detail = given.detail, response_body = ''
FROM unnest($1::uuid[], $2::bytea[]) AS given (id, detail)
WHERE f.id = given.id AND f.id = ANY ($1::uuid[])
