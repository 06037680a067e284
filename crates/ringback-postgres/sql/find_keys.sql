-- Which events hold these idempotency keys, and whether their content is the same. An event that came by SQL or
-- Rust has no content to compare and counts as the same.
SELECT given.position - 1 AS position, held.event_id,
       held.content IS NULL OR given.content IS NULL OR held.content = given.content AS same
FROM unnest($1::text[], $2::text[], $3::text[], $4::bytea[])
     WITH ORDINALITY AS given (tenant, type, key, content, position)
JOIN {schema}.idempotency held USING (tenant, type, key)
