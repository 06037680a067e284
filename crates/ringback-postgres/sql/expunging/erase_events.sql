-- Removes payloads and metadata for good, and what inline destinations held; keys too if $3.
-- (SQLite: row by row, as a statement is no round trip there.)
UPDATE {schema}.event e
SET payload = NULL,
    metadata = NULL,
    expunged_at = coalesce(e.expunged_at, {schema}.clock()),
    destination = given.destination,
    key = CASE WHEN $3 THEN NULL ELSE e.key END,
    ordering_key = CASE WHEN $3 THEN NULL ELSE e.ordering_key END,
    idempotency_key = CASE WHEN $3 THEN NULL ELSE e.idempotency_key END
FROM unnest($1::uuid[], $2::text[]) AS given (id, destination)
WHERE e.id = given.id AND e.id = ANY ($1::uuid[])
