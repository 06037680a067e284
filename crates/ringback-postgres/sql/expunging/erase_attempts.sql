-- Removes what was answered to these attempts; $4 is what stays of $3. Two attempts of one number that kept the same
-- become the same. (SQLite: row by row, as a statement is no round trip there.)
UPDATE {schema}.attempt a
SET detail = given.left_over, response_body = ''
FROM unnest($1::uuid[], $2::integer[], $3::bytea[], $4::bytea[]) AS given (delivery_id, number, detail, left_over)
WHERE a.delivery_id = given.delivery_id AND a.delivery_id = ANY ($1::uuid[])
  AND a.number = given.number AND a.detail = given.detail
