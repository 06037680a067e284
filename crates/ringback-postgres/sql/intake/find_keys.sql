-- Which events hold these idempotency keys, and their content, which those that came by SQL or Rust have not.
-- (SQLite: keys come as JSON.)
SELECT given.position - 1 AS position, held.event_id, held.content
FROM unnest($1::text[], $2::text[], $3::text[])
     WITH ORDINALITY AS given (tenant, type, key, position)
JOIN {schema}.idempotency held USING (tenant, type, key)
