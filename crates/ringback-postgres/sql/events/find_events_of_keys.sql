-- Ids of the newest events of each of these keys ($1), with the place of the key. $2 <= id < $3, of the newest $5 of a key those
-- of the tenant $4. (SQLite: keys come as JSON.)
SELECT given.position - 1 AS position, e.id
FROM unnest($1::text[]) WITH ORDINALITY AS given (key, position)
CROSS JOIN LATERAL (
    SELECT id, tenant
    FROM {schema}.event
    WHERE key = given.key AND id >= $2 AND id < $3
    ORDER BY id DESC
    LIMIT $5
) e
WHERE ($4::text IS NULL OR e.tenant = $4)
